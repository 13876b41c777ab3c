/** After an upgrade: package versions that the former release stored. */
import { rekey } from '../domain/advisories/rekey.ts';
import type { JobDefinition } from './job.ts';

export const rekeyVersionsJob: JobDefinition<'rekey-versions'> = {
  name: 'rekey-versions',
  options: () => ({ policy: 'exclusive', retryLimit: 0, heartbeatSeconds: 30, expireInSeconds: 3600 }), // the next minute is the next try
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services, _payload, signal) => {
    await rekey(services, signal);
  },
};

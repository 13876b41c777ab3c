/** Looks each minute which sources of vulnerability data are due, and fetches those. One at a time over all workers: a second one would fetch the same. */
import { Stopping } from '../core/errors.ts';
import { syncAdvisories } from '../domain/advisories/sync.ts';
import type { JobDefinition } from './job.ts';

export const syncVulndbJob: JobDefinition<'sync-vulndb'> = {
  name: 'sync-vulndb',
  options: () => ({ policy: 'exclusive', retryLimit: 0, heartbeatSeconds: 30, expireInSeconds: 6 * 3600, deleteAfterSeconds: 3600 }), // the next minute is the next try
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services, _payload, signal) => {
    if (services.config.VULNDB_SYNC === 'off') return;
    await syncAdvisories(services, { force: false, signal, onProgress: () => undefined }).catch((error: unknown) => {
      if (!(error instanceof Stopping)) throw error; // this worker stops; another one goes on in the next minute
    });
  },
};

/** Scans that nobody works on any longer, folders of workers that were killed, uploads of requests that never ended, and disks that fill up. */
import { rescueOrphans, sweepOldScans, sweepSpool, sweepWorkspaces } from '../domain/scans/sweep.ts';
import { watchDisk } from '../domain/system/disk.ts';
import type { JobDefinition } from './job.ts';

export const sweepScansJob: JobDefinition<'sweep-scans'> = {
  name: 'sweep-scans',
  options: () => ({ retryLimit: 0, expireInSeconds: 600 }), // the next minute is the next try
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services, _payload, signal) => {
    await rescueOrphans(services);
    await sweepWorkspaces(services);
    await sweepSpool(services);
    await sweepOldScans(services, signal);
    await watchDisk(services);
  },
};

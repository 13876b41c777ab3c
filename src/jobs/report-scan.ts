/** Tells the code host of scans. Of one scan one job at a time, so that its end is told after its start. */
import { reportScan } from '../domain/pull-requests/report.ts';
import type { JobDefinition } from './job.ts';

export const reportScanJob: JobDefinition<'report-scan'> = {
  name: 'report-scan',
  options: () => ({ retryLimit: 7, retryDelay: 5, retryBackoff: true, retryDelayMax: 600, expireInSeconds: 120, deleteAfterSeconds: 3600 }),
  concurrency: () => 4,
  groupConcurrency: () => 1,
  run: (services, { scan_id, moment }) => reportScan(services, scan_id, moment),
};

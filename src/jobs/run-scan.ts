/** Runs a queued scan. A worker that dies is noticed by its missing heartbeat, and another one takes the scan. */
import { giveUp, runScan } from '../domain/scans/run.ts';
import type { JobDefinition } from './job.ts';

export const runScanJob: JobDefinition<'run-scan'> = {
  name: 'run-scan',
  options: (config) => ({
    retryLimit: 5, retryDelay: 1, retryBackoff: true, retryDelayMax: 30, heartbeatSeconds: 10,
    expireInSeconds: config.SCAN_TIMEOUT_SECONDS + 60, deleteAfterSeconds: 86_400, deadLetter: 'give-up-scan',
  }),
  concurrency: (config) => config.SCAN_CONCURRENCY,
  groupConcurrency: (config) => config.SCAN_CONCURRENCY_PER_TEAM,
  run: (services, { scan_id }, signal) => runScan(services, scan_id, AbortSignal.any([signal, AbortSignal.timeout(services.config.SCAN_TIMEOUT_SECONDS * 1000)])),
};

export const giveUpScanJob: JobDefinition<'give-up-scan'> = {
  name: 'give-up-scan',
  options: () => ({ retryLimit: 20, retryDelay: 5, retryBackoff: true, retryDelayMax: 300 }),
  concurrency: () => 1,
  run: (services, { scan_id }) => giveUp(services, scan_id),
};

/** Opens findings again whose suppression has come to its end. */
import { expireFindings } from '../domain/findings/expire.ts';
import type { JobDefinition } from './job.ts';

export const expireSuppressionsJob: JobDefinition<'expire-suppressions'> = {
  name: 'expire-suppressions',
  options: () => ({ retryLimit: 3 }),
  concurrency: () => 1,
  schedule: '*/5 * * * *',
  run: (services) => expireFindings(services),
};

/** Notes which gates have changed: woken by scans and triage, and once a minute for imports, which may run without a queue. */
import { evaluateGates, markAging } from '../domain/gate/outcomes.ts';
import { inTransaction } from '../db/transaction.ts';
import { deliverNotices } from '../domain/notifications/deliver.ts';
import type { JobDefinition } from './job.ts';

export const evaluateGatesJob: JobDefinition<'evaluate-gates'> = {
  name: 'evaluate-gates',
  options: () => ({ retryLimit: 3, retryDelay: 1, retryBackoff: true, deleteAfterSeconds: 3600 }),
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services) => {
    await evaluateGates(services);
    // whatever marks a gate has often something to tell; mails are another job's, since a slow mail server must not hold gates up
    if ((await deliverNotices(services)) > 0 && services.mailer !== null) await inTransaction(services.db, (tx) => services.enqueue(tx, 'deliver-notices', {}));
  },
};

/** Findings grow older by themselves. */
export const ageGatesJob: JobDefinition<'age-gates'> = {
  name: 'age-gates',
  options: () => ({ retryLimit: 3 }),
  concurrency: () => 1,
  schedule: '23 * * * *',
  run: (services) => markAging(services),
};

/** Notes which gates have changed: woken by scans and triage, and once a minute for imports, which may run without a queue. */
import { evaluateGates, markAging } from '../domain/gate/outcomes.ts';
import type { JobDefinition } from './job.ts';

export const evaluateGatesJob: JobDefinition<'evaluate-gates'> = {
  name: 'evaluate-gates',
  options: () => ({ retryLimit: 3, retryDelay: 1, retryBackoff: true, deleteAfterSeconds: 3600 }),
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services) => {
    await evaluateGates(services);
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

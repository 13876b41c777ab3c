/**
 * The end of suppressions. A finding becomes `new`, whatever it was before: who muted it for a time wanted it looked at afresh, and its history tells the rest.
 * Of this and a triage at the same time, the later one finds what the earlier one left: no longer suppressed, or another version.
 */
import { expireSuppressions } from '../../db/triage.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { markGates } from '../gate/outcomes.ts';

export function expireFindings(services: Pick<Services, 'db' | 'enqueue' | 'now'>): Promise<void> {
  return inTransaction(services.db, async (tx) => {
    await markGates(tx, services, await expireSuppressions(tx, services.now()), 'time');
  });
}

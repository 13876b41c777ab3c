/**
 * The end of suppressions. A finding becomes `new`, whatever it was before: who muted it for a time wanted it looked at afresh, and its history tells the rest.
 * Of this and a triage at the same time, the later one finds what the earlier one left: no longer suppressed, or another version.
 */
import { lockMatching } from '../../db/matches.ts';
import { expireSuppressions } from '../../db/triage.ts';
import { inTransaction } from '../../db/transaction.ts';
import { auditAll } from '../audit.ts';
import { ofJob, type Services } from '../context.ts';
import { markGates } from '../gate/outcomes.ts';

export function expireFindings(services: Services): Promise<void> {
  const context = ofJob(services, 'expire-suppressions');
  return inTransaction(services.db, async (tx) => {
    await lockMatching(tx, 'shared'); // an import locks projects and findings of its own
    const opened = await expireSuppressions(tx, services.now());
    await auditAll(tx, context, opened.map(({ id, team_id: teamId }) => ({ action: 'update', table: 'findings', id, teamId, diff: { status: { from: 'suppressed', to: 'new' } } })));
    await markGates(tx, services, [...new Set(opened.map((finding) => finding.project_id))], 'time');
  });
}

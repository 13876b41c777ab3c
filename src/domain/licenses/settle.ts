/** Brings tiers, conclusions and approvals of components in line with what people, policies and scans say now. */
import { insertAudit } from '../../db/audit.ts';
import { applyConclusions, distinctLicenses, openApprovals, setTiers, type JudgedRows } from '../../db/license-judgement.ts';
import type { Tx } from '../../db/connect.ts';
import { tierOf, UNKNOWN } from './catalogue.ts';

/**
 * Each distinct expression is judged once, then one statement sets the tiers that differ. The caller holds the projects' licence lock.
 * @param cause job or operation that approvals which open by themselves are put down to
 */
export async function settleLicenses(tx: Tx, rows: JudgedRows, cause: string): Promise<{ rejudged: number }> {
  await applyConclusions(tx, rows);
  const found = await distinctLicenses(tx, rows);
  const tiers = found.map(({ team_id: teamId, expression }) => ({ teamId, expression, tier: (expression === null ? UNKNOWN : tierOf(expression)).tier }));
  const rejudged = await setTiers(tx, rows, tiers, []);
  const approvals = await openApprovals(tx, rows);
  if (approvals.opened + approvals.changed > 0) {
    await insertAudit(tx, {
      actorKind: 'system', actorUserId: null, actorEmail: null, teamId: found[0]?.team_id ?? null, operation: cause, action: 'create', targetTable: 'approvals', targetId: null,
      requestId: cause, ip: null, userAgent: null, diff: { ...approvals, ...rows },
    });
  }
  return { rejudged };
}

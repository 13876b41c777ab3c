/** Brings tiers, conclusions and approvals of components in line with what people, policies and scans say now. */
import { insertAudit } from '../../db/audit.ts';
import { applyConclusions, distinctLicenses, openApprovals, setTiers, type JudgedRows } from '../../db/license-judgement.ts';
import type { Tx } from '../../db/connect.ts';
import { tierOf, UNKNOWN } from './catalogue.ts';
import { loadRules } from './rules.ts';

/**
 * Each distinct expression is judged once, then one statement sets the tiers that differ. The caller holds the projects' licence lock.
 * @param now policies that have expired by then do not count
 * @param cause job or operation that approvals which open by themselves are put down to
 */
export async function settleLicenses(tx: Tx, rows: JudgedRows, cause: string, now: Date): Promise<{ rejudged: number }> {
  await applyConclusions(tx, rows);
  const found = await distinctLicenses(tx, rows);
  const teamIds = [...new Set(found.map(({ team_id }) => team_id))];
  const rules = await loadRules(tx, teamIds, now);
  const tiers = found.map(({ team_id: teamId, expression }) => ({ teamId, expression, tier: (expression === null ? UNKNOWN : tierOf(expression, rules.get(teamId)?.licenses)).tier }));
  const rejudged = await setTiers(tx, rows, tiers, [...rules.values()].flatMap(({ components }) => components));
  const approvals = await openApprovals(tx, rows);
  if (approvals.opened + approvals.changed > 0) {
    await insertAudit(tx, {
      actorKind: 'system', actorUserId: null, actorEmail: null, teamId: teamIds.length === 1 ? (teamIds[0] ?? null) : null, operation: cause, action: 'create', targetTable: 'approvals', targetId: null,
      requestId: cause, ip: null, userAgent: null, diff: { ...approvals, ...rows },
    });
  }
  return { rejudged };
}

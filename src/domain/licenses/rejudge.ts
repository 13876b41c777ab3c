/** Judging current scans again after a policy has changed or expired. */
import { insertAudit } from '../../db/audit.ts';
import { lockLicenses } from '../../db/license-judgement.ts';
import { judgedProjects, lapseExpiredPolicies } from '../../db/license-policies.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { markGates } from '../gate/outcomes.ts';
import { settleLicenses } from './settle.ts';

/** Projects in one transaction: few enough for scans that publish meanwhile to wait less than a second. */
const BATCH = 25;

/** @param teamId null for all teams. Done again, it changes nothing. */
export async function rejudgeLicenses({ db, now, log, enqueue }: Pick<Services, 'db' | 'now' | 'log' | 'enqueue'>, teamId: string | null, signal?: AbortSignal): Promise<void> {
  let rejudged = 0;
  for (let after: string | null = null; ; ) {
    signal?.throwIfAborted();
    const projectIds: string[] = await judgedProjects(db, teamId, after, BATCH);
    after = projectIds.at(-1) ?? null;
    if (after === null) break;
    rejudged += await inTransaction(db, async (tx) => {
      await lockLicenses(tx, projectIds);
      const settled = await settleLicenses(tx, { projectIds }, 'judge-licenses', now());
      if (settled.rejudged > 0) await markGates(tx, { enqueue }, projectIds, 'policy');
      return settled.rejudged;
    });
  }
  log.info({ team_id: teamId, rejudged }, 'licences judged again');
}

/** Lets policies that have expired since the last call stop to count in scans that were judged before. */
export async function lapseLicensePolicies({ db, now, enqueue }: Pick<Services, 'db' | 'now' | 'enqueue'>): Promise<void> {
  await inTransaction(db, async (tx) => {
    const lapsed = await lapseExpiredPolicies(tx, now());
    for (const { id, team_id: teamId } of lapsed) {
      await insertAudit(tx, {
        actorKind: 'system', actorUserId: null, actorEmail: null, teamId, operation: 'lapse-license-policies', action: 'update', targetTable: 'license_policies', targetId: id,
        requestId: 'lapse-license-policies', ip: null, userAgent: null, diff: { is_expired: true },
      });
    }
    const teams = new Set(lapsed.map(({ team_id }) => team_id));
    for (const teamId of teams.has(null) ? [null] : teams) await enqueue(tx, 'judge-licenses', { team_id: teamId });
  });
}

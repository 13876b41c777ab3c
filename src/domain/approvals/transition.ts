/** Deciding on an approval. */
import { userIdOf } from '../../core/actor.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { lockApproval, setApprovalStatus, type ApprovalRow, type ApprovalStatus } from '../../db/approvals.ts';
import { lockLicenses } from '../../db/license-judgement.ts';
import { announce } from '../../db/notices.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { markGate } from '../gate/outcomes.ts';
import { settleLicenses } from '../licenses/settle.ts';
import { expectVersion } from '../versions.ts';
import { getApproval } from './read.ts';
import { isFinal, NEXT } from './transitions.ts';

/**
 * Moves an approval on, and judges its component again. The row is locked first: of two who decide at once the second finds another version.
 * Throws not-found, precondition-required, precondition-failed, invalid-transition.
 */
export async function transitionApproval(context: Context, id: string, ifMatch: number | null, to: ApprovalStatus, note: string | null | undefined): Promise<ApprovalRow> {
  const approval = await getApproval(context, id);
  return inTransaction(context.db, async (tx) => {
    await lockLicenses(tx, [approval.project_id]);
    const present = await lockApproval(tx, id);
    if (present === undefined) throw notFound('The approval');
    expectVersion(ifMatch, present.version);
    const allowed = NEXT[present.status];
    if (!allowed.includes(to)) {
      throw new DomainError('invalid-transition', `From ${present.status} an approval goes ${allowed.length === 0 ? 'nowhere: it is decided' : `to ${allowed.join(' or ')}`}.`, { allowed_to: [...allowed] });
    }
    await setApprovalStatus(tx, id, { status: to, note, decidedBy: isFinal(to) ? { userId: userIdOf(context.actor), at: context.now() } : null });
    if (isFinal(to)) {
      await settleLicenses(tx, { componentId: approval.component_id }, context.request.operation, context.now());
      await markGate(tx, context, approval.project_id, 'policy');
    }
    const { component_purl: component, license_expression: license, requested_by_user_id: userId } = approval;
    await announce(tx, [{ kind: 'approval_state_changed', projectId: approval.project_id, audience: userId === null ? { to: 'channels' } : { to: 'user', userId }, facts: { approval_id: id, status: to, component, license, note } }]);
    await context.enqueue(tx, 'deliver-notices', {});
    await audit(tx, context, { action: 'update', table: 'approvals', id, teamId: approval.team_id, diff: { status: [present.status, to], decision_note: note } });
    return getApproval({ db: tx }, id);
  });
}

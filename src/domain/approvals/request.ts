/** Asking for an approval, and withdrawing it. */
import { userIdOf } from '../../core/actor.ts';
import { DomainError, notFound, projectArchived } from '../../core/errors.ts';
import { deleteApproval, insertApproval, lockApproval, type ApprovalRow } from '../../db/approvals.ts';
import { lockLicenses } from '../../db/license-judgement.ts';
import { findScope } from '../../db/scopes.ts';
import { announce } from '../../db/notices.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { getApproval } from './read.ts';
import { isFinal } from './transitions.ts';

/** Throws not-found, project-archived, validation-failed (not the project's component), approval-already-open. */
export async function requestApproval(context: Context, projectId: string, componentId: string): Promise<ApprovalRow> {
  const project = await getProject(context, projectId);
  if (project.archived_at !== null) throw projectArchived();
  const component = await findScope(context.db, 'component', componentId);
  if (component?.projectId !== project.id) throw new DomainError('validation-failed', 'The component is not one of the project. GET /v1/projects/{id}/components lists those.', { errors: [{ pointer: '/component_id', message: 'is not a component of the project' }] });
  return inTransaction(context.db, async (tx) => {
    await lockLicenses(tx, [project.id]);
    const id = await insertApproval(tx, { projectId: project.id, componentId, requestedByUserId: userIdOf(context.actor) });
    if (id === undefined) throw new DomainError('approval-already-open', 'The component has an open approval. Wait for its decision, or withdraw it.');
    await announce(tx, [{ kind: 'approval_pending', projectId: project.id, audience: { to: 'team_admins' }, facts: { count: 1, approval_ids: [id] } }]);
    await context.enqueue(tx, 'deliver-notices', {});
    await audit(tx, context, { action: 'create', table: 'approvals', id, teamId: project.team_id, diff: { project_id: project.id, component_id: componentId } });
    return getApproval({ db: tx }, id);
  });
}

/** Throws not-found, approval-closed. */
export async function withdrawApproval(context: Context, id: string): Promise<void> {
  const approval = await getApproval(context, id);
  await inTransaction(context.db, async (tx) => {
    const present = await lockApproval(tx, id);
    if (present === undefined) throw notFound('The approval');
    if (isFinal(present.status)) throw new DomainError('approval-closed', `The approval is ${present.status}. A decided one stays, as a record; ask for a new one instead.`);
    await deleteApproval(tx, id);
    await audit(tx, context, { action: 'delete', table: 'approvals', id, teamId: approval.team_id, diff: { component_id: approval.component_id, status: present.status } });
  });
}

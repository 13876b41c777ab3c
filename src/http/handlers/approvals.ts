/** /v1/approvals. */
import { getApproval, listVisibleApprovals } from '../../domain/approvals/read.ts';
import { requestApproval, withdrawApproval } from '../../domain/approvals/request.ts';
import { transitionApproval } from '../../domain/approvals/transition.ts';
import { created, noContent, ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const approvals = {
  listApprovals: async (context, { query, page }) =>
    ok(
      await listVisibleApprovals(context, {
        status: query.status, teamId: query.team_id, projectId: query.project_id, componentId: query.component_id, requestedByUserId: query.requested_by_user_id,
        from: query.from_dt, to: query.to_dt,
      }, page),
    ),
  createApproval: async (context, { body }) => created('/v1/approvals', await requestApproval(context, body.project_id, body.component_id)),
  getApproval: async (context, { path }) => versioned(await getApproval(context, path.id)),
  transitionApproval: async (context, { path, body, ifMatch }) => versioned(await transitionApproval(context, path.id, ifMatch, body.action, body.decision_note)),
  deleteApproval: async (context, { path }) => {
    await withdrawApproval(context, path.id);
    return noContent;
  },
} satisfies Partial<Handlers>;

/** /v1/admin/audit. */
import type { AuditFilters } from '../../db/audit-log.ts';
import { exportAudit, listAudit } from '../../domain/admin/audit-log.ts';
import { ok } from '../reply.ts';
import type { Handlers, Input } from '../types.ts';

export const adminAudit = {
  listAdminAudit: async (context, { query, page }) =>
    ok(await listAudit(context, toFilters(query), { limit: page.limit, offset: page.offset, oldestFirst: page.sort[0]?.descending === false, cursor: query.cursor })),
  exportAdminAudit: async (context, { query }) => {
    const { fileName, text } = await exportAudit(context, toFilters(query));
    return { status: 200, body: text, type: 'text/csv', headers: { 'Content-Disposition': `attachment; filename="${fileName}"` } };
  },
} satisfies Partial<Handlers>;

function toFilters(query: Input<'exportAdminAudit'>['query']): AuditFilters {
  return {
    actorUserId: query.actor_user_id, teamId: query.team_id, projectId: query.project_id, targetTables: query.target_table, targetId: query.target_id,
    actions: query.action, requestId: query.request_id, from: query.from, to: query.to, text: query.q,
  };
}

/** Reading approvals. */
import { visibleTo } from '../../core/actor.ts';
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { findApproval, listApprovals, type ApprovalFilters, type ApprovalRow } from '../../db/approvals.ts';
import type { Context } from '../context.ts';

export async function getApproval(context: Pick<Context, 'db'>, id: string): Promise<ApprovalRow> {
  const approval = await findApproval(context.db, id);
  if (approval === undefined) throw notFound('The approval');
  return approval;
}

/** Those of the caller's teams: that a project is open to the organisation does not show its approvals. */
export async function listVisibleApprovals(context: Context, filters: ApprovalFilters, page: PageRequest): Promise<Page<ApprovalRow>> {
  return { ...(await listApprovals(context.db, visibleTo(context.actor), filters, page)), limit: page.limit, offset: page.offset };
}

/** Rows of approvals. */
import { sql, type RawBuilder } from 'kysely';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { EFFECTIVE_LICENSE } from './components.ts';
import { inOrder, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import { projectOwned } from './scopes.ts';

export type ApprovalStatus = 'pending' | 'under_review' | 'approved' | 'rejected';

export interface ApprovalRow {
  id: string;
  project_id: string;
  project_name: string;
  project_slug: string;
  team_id: string;
  component_id: string;
  component_name: string;
  component_purl: string;
  license_expression: string | null;
  status: ApprovalStatus;
  requested_by_user_id: string | null;
  requested_at: string;
  decided_by_user_id: string | null;
  decided_at: string | null;
  decision_note: string | null;
  version: number;
}

const COLUMNS = sql`a.id, a.project_id, p.name AS project_name, p.slug AS project_slug, p.team_id, a.component_id, pk.name AS component_name, c.purl AS component_purl,
  a.license_expression, a.status, a.requested_by_user_id, a.requested_at, a.decided_by_user_id, a.decided_at, a.decision_note, a.version`;
const PROJECTS = sql`JOIN projects p ON p.id = a.project_id`;
const PACKAGES = sql`JOIN components c ON c.id = a.component_id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id`;
const FROM = sql`FROM approvals a ${PROJECTS} ${PACKAGES}`;
const STATUS_RANK = sql`CASE a.status WHEN 'pending' THEN 0 WHEN 'under_review' THEN 1 WHEN 'approved' THEN 2 ELSE 3 END`;
const SORTABLE = { status: STATUS_RANK, component_name: sql`pk.name`, project_name: sql`p.name`, requested_at: { neverNull: sql`a.requested_at` }, decided_at: sql`a.decided_at` };

export interface ApprovalFilters {
  status?: readonly string[] | undefined;
  teamId?: string | undefined;
  projectId?: string | undefined;
  componentId?: string | undefined;
  requestedByUserId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** A page is found with the tables that scope and order need, then filled. */
export async function listApprovals(db: Db, visibility: Visibility, filters: ApprovalFilters, page: PageRequest): Promise<{ items: ApprovalRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = projectOwned(visibility);
  if (filters.teamId !== undefined) conditions.push(sql`p.team_id = ${filters.teamId}`);
  const restricted = conditions.length > 0; // by what projects are
  if (filters.status !== undefined) conditions.push(sql`a.status = ANY(${filters.status})`);
  if (filters.projectId !== undefined) conditions.push(sql`a.project_id = ${filters.projectId}`);
  if (filters.componentId !== undefined) conditions.push(sql`a.component_id = ${filters.componentId}`);
  if (filters.requestedByUserId !== undefined) conditions.push(sql`a.requested_by_user_id = ${filters.requestedByUserId}`);
  if (filters.from !== undefined) conditions.push(sql`a.requested_at >= ${filters.from}`);
  if (filters.to !== undefined) conditions.push(sql`a.requested_at < ${filters.to}`);
  const sorts = (field: string): boolean => page.sort.some((key) => key.field === field);
  const counted = restricted ? sql`FROM approvals a ${PROJECTS}` : sql`FROM approvals a`;
  const chosen = sql`
    SELECT a.id FROM approvals a ${restricted || sorts('project_name') ? PROJECTS : sql``} ${sorts('component_name') ? PACKAGES : sql``} ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`a.id`)}`;
  const items = await sql<ApprovalRow>`${plannedAnew} SELECT ${COLUMNS} ${FROM} JOIN (${chosen}) chosen ON chosen.id = a.id ${inOrder(page, SORTABLE, sql`a.id`)}`.execute(db);
  const total = await sql<{ total: number }>`${plannedAnew} SELECT count(*)::int AS total ${counted} ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findApproval(db: Db, id: string): Promise<ApprovalRow | undefined> {
  const { rows } = await sql<ApprovalRow>`SELECT ${COLUMNS} ${FROM} WHERE a.id = ${id}`.execute(db);
  return rows[0];
}

/** State and version of an approval, locked until the transaction ends. */
export async function lockApproval(tx: Tx, id: string): Promise<{ status: ApprovalStatus; version: number } | undefined> {
  const { rows } = await sql<{ status: ApprovalStatus; version: number }>`SELECT status, version FROM approvals WHERE id = ${id} FOR UPDATE`.execute(tx);
  return rows[0];
}

export interface Decision {
  status: ApprovalStatus;
  note: string | null | undefined;
  /** Set where the state is final. */
  decidedBy: { userId: string | null; at: Date } | null;
}

export async function setApprovalStatus(tx: Tx, id: string, { status, note, decidedBy }: Decision): Promise<void> {
  await sql`
    UPDATE approvals SET status = ${status}, version = version + 1, updated_at = now(), decided_by_user_id = ${decidedBy?.userId ?? null}, decided_at = ${decidedBy?.at ?? null},
      decision_note = ${note === undefined ? sql`decision_note` : sql`${note}`}
    WHERE id = ${id}`.execute(tx);
}

export async function deleteApproval(tx: Tx, id: string): Promise<void> {
  await sql`DELETE FROM approvals WHERE id = ${id}`.execute(tx);
}

/** Opens an approval for the licence that the component has in the project's current scan, else in the newest that has it; undefined where it has an open one. */
export async function insertApproval(tx: Tx, approval: { projectId: string; componentId: string; requestedByUserId: string | null }): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO approvals (project_id, component_id, license_expression, requested_by_user_id)
    SELECT ${approval.projectId}, ${approval.componentId}, (
      SELECT ${EFFECTIVE_LICENSE} FROM scan_components sc JOIN scans s ON s.id = sc.scan_id JOIN projects p ON p.id = s.project_id
      WHERE sc.component_id = ${approval.componentId} ORDER BY (s.id = p.current_scan_id) DESC NULLS LAST, s.is_current DESC, s.completed_at DESC NULLS LAST, s.id DESC LIMIT 1
    ), ${approval.requestedByUserId}
    ON CONFLICT (component_id) WHERE status IN ('pending', 'under_review') DO NOTHING
    RETURNING id`.execute(tx);
  return rows[0]?.id;
}

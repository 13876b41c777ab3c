/** The scans of every team, as who runs the installation sees them. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Db } from './connect.ts';
import { inOrder, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import type { ScanStatus } from './projects.ts';
import type { ScanKind, ScanStep } from './scans.ts';

export interface AdminScanRow {
  id: string;
  kind: ScanKind;
  status: ScanStatus;
  progress_percent: number;
  current_step: ScanStep | null;
  ref: string | null;
  attempt: number;
  project_id: string;
  project_name: string;
  team_id: string;
  team_name: string;
  requested_by_user_id: string | null;
  error_message: string | null;
  duration_seconds: number | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface AdminScanFilters {
  status?: readonly string[] | undefined;
  kind?: readonly string[] | undefined;
  ref?: string | undefined;
  teamId?: string | undefined;
  projectId?: string | undefined;
  createdAfter?: string | undefined;
  createdBefore?: string | undefined;
}

const COLUMNS = sql`s.id, s.kind, s.status, s.progress_percent, s.current_step, s.ref, s.attempt, s.project_id, p.name AS project_name, p.team_id, t.name AS team_name,
  s.requested_by_user_id, s.error_message, round(extract(epoch FROM coalesce(s.completed_at, now()) - s.started_at)::numeric, 3)::float8 AS duration_seconds,
  s.created_at, s.started_at, s.completed_at AS finished_at`;
const FROM = sql`FROM scans s JOIN projects p ON p.id = s.project_id JOIN teams t ON t.id = p.team_id`;
const SORTABLE = { status: { neverNull: sql`s.status` }, kind: { neverNull: sql`s.kind` }, started_at: sql`s.started_at`, finished_at: sql`s.completed_at`, created_at: { neverNull: sql`s.created_at` } };

export async function findAdminScan(db: Db, id: string): Promise<AdminScanRow | undefined> {
  const { rows } = await sql<AdminScanRow>`SELECT ${COLUMNS} ${FROM} WHERE s.id = ${id}`.execute(db);
  return rows[0];
}

export async function listAdminScans(db: Db, filters: AdminScanFilters, page: PageRequest): Promise<{ items: AdminScanRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.status !== undefined) conditions.push(sql`s.status = ANY(${filters.status})`);
  if (filters.kind !== undefined) conditions.push(sql`s.kind = ANY(${filters.kind})`);
  if (filters.ref !== undefined) conditions.push(sql`s.ref = ${filters.ref}`);
  if (filters.teamId !== undefined) conditions.push(sql`p.team_id = ${filters.teamId}`);
  if (filters.projectId !== undefined) conditions.push(sql`s.project_id = ${filters.projectId}`);
  if (filters.createdAfter !== undefined) conditions.push(sql`s.created_at >= ${filters.createdAfter}`);
  if (filters.createdBefore !== undefined) conditions.push(sql`s.created_at < ${filters.createdBefore}`);
  const from = filters.teamId === undefined ? sql`FROM scans s` : sql`FROM scans s JOIN projects p ON p.id = s.project_id`;
  const chosen = sql`SELECT s.* ${from} ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`s.id`)}`;
  const items = await sql<AdminScanRow>`${plannedAnew}
    SELECT ${COLUMNS} FROM (${chosen}) s JOIN projects p ON p.id = s.project_id JOIN teams t ON t.id = p.team_id ${inOrder(page, SORTABLE, sql`s.id`)}`.execute(db);
  const total = await sql<{ total: number }>`${plannedAnew} SELECT count(*)::int AS total ${from} ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

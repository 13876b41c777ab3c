/** Rows of projects, with the figures of their newest and current scans. */
import { sql, type RawBuilder } from 'kysely';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import { containing, inOrder, orderAndPage, where } from './paging.ts';
import { projectVisible } from './scopes.ts';
import { SEVERITY_SUMMARY } from './severity.ts';
import { statement } from './statement.ts';

export type ScanStatus = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type Visible = 'team' | 'organization';
export type Distribution = 'saas' | 'distributed' | 'internal';
export interface SeverityCounts { critical: number; high: number; medium: number; low: number; info: number; unknown: number }

export interface ProjectRow {
  id: string;
  team_id: string;
  name: string;
  slug: string;
  description: string | null;
  git_url: string | null;
  has_git_credential: boolean;
  default_branch: string | null;
  visibility: Visible;
  distribution: Distribution;
  gate: Record<string, unknown>;
  archived_at: string | null;
  created_by_user_id: string | null;
  current_scan_id: string | null;
  latest_scan_id: string | null;
  latest_scan_status: ScanStatus | null;
  last_scan_at: string | null;
  scan_count: number;
  severity_summary: SeverityCounts | null;
  version: number;
  created_at: string;
  updated_at: string;
}

/** From a handful of `projects p` to API rows: the newest scan, and the open findings of the current one. */
const enriched = (projects: RawBuilder<unknown>): RawBuilder<ProjectRow> => sql<ProjectRow>`
  SELECT p.id, p.team_id, p.name, p.slug, p.description, p.git_url, p.git_credential_sealed IS NOT NULL AS has_git_credential, p.default_branch,
    p.visibility, p.distribution, p.gate, p.archived_at, p.created_by_user_id, p.current_scan_id,
    latest.id AS latest_scan_id, latest.status AS latest_scan_status, latest.created_at AS last_scan_at,
    (SELECT count(*)::int FROM scans s WHERE s.project_id = p.id) AS scan_count,
    CASE WHEN p.current_scan_id IS NULL THEN NULL ELSE open.summary END AS severity_summary,
    p.version, p.created_at, p.updated_at
  FROM (${projects}) p
  LEFT JOIN LATERAL (
    SELECT s.id, s.status, s.created_at FROM scans s WHERE s.project_id = p.id ORDER BY s.created_at DESC, s.id DESC LIMIT 1
  ) latest ON true
  LEFT JOIN LATERAL (
    SELECT ${SEVERITY_SUMMARY} AS summary
    FROM findings f WHERE f.project_id = p.id AND f.in_current_scan AND f.status IN ('new', 'analyzing', 'exploitable')
  ) open ON p.current_scan_id IS NOT NULL`;

const SORTABLE = { name: sql`p.name`, slug: sql`p.slug`, created_at: sql`p.created_at`, updated_at: sql`p.updated_at` };

export interface ProjectFilters {
  teamId?: string | undefined;
  text?: string | undefined;
  visibility?: Visible | undefined;
  /** Only these or only the others; undefined: both. */
  archived?: boolean | undefined;
}

export async function listProjects(db: Db, visibility: Visibility, filters: ProjectFilters, page: PageRequest): Promise<{ items: ProjectRow[]; total: number }> {
  const conditions = projectVisible(visibility);
  if (filters.teamId !== undefined) conditions.push(sql`p.team_id = ${filters.teamId}`);
  if (filters.visibility !== undefined) conditions.push(sql`p.visibility = ${filters.visibility}`);
  if (filters.archived !== undefined) conditions.push(filters.archived ? sql`p.archived_at IS NOT NULL` : sql`p.archived_at IS NULL`);
  if (filters.text !== undefined) conditions.push(sql`(p.name ILIKE ${containing(filters.text)} OR p.slug ILIKE ${containing(filters.text)})`);
  const matching = sql`FROM projects p ${where(conditions)}`;
  const pageOfIds = sql`SELECT p.* ${matching} ${orderAndPage(page, SORTABLE, sql`p.id`)}`;
  const items = await sql<ProjectRow>`${enriched(pageOfIds)} ${inOrder(page, SORTABLE, sql`p.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

const projectById = statement<[id: string], ProjectRow>(1, (id) => enriched(sql`SELECT * FROM projects WHERE id = ${id}`));

export async function findProject(db: Db, id: string): Promise<ProjectRow | undefined> {
  return (await projectById(db, id))[0];
}

/** Its current scan and its policy, without the figures; undefined where there is no such project. */
export async function findProjectView(db: Db, id: string): Promise<Pick<ProjectRow, 'current_scan_id' | 'gate'> | undefined> {
  return (await projectView(db, id))[0];
}

const projectView = statement<[id: string], Pick<ProjectRow, 'current_scan_id' | 'gate'>>(1, (id) => sql<Pick<ProjectRow, 'current_scan_id' | 'gate'>>`SELECT current_scan_id, gate FROM projects WHERE id = ${id}`);

export interface NewProject {
  teamId: string;
  name: string;
  slug: string;
  description: string | null;
  gitUrl: string | null;
  gitCredentialSealed: Buffer | null;
  defaultBranch: string | null;
  visibility: Visible;
  distribution: Distribution;
  gate: Record<string, unknown>;
  createdByUserId: string | null;
}

export async function insertProject(tx: Tx, project: NewProject): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO projects (team_id, name, slug, description, git_url, git_credential_sealed, default_branch, visibility, distribution, gate, created_by_user_id)
    VALUES (${project.teamId}, ${project.name}, ${project.slug}, ${project.description}, ${project.gitUrl}, ${project.gitCredentialSealed},
      ${project.defaultBranch}, ${project.visibility}, ${project.distribution}, ${toJson(project.gate)}, ${project.createdByUserId})
    RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

/** Slugs of the team that are `base` or `base-<number>`. */
export async function slugsLike(db: Db, teamId: string, base: string): Promise<Set<string>> {
  const { rows } = await sql<{ slug: string }>`SELECT slug FROM projects WHERE team_id = ${teamId} AND (slug = ${base} OR slug ~ ('^' || ${base} || '-[0-9]+$'))`.execute(db);
  return new Set(rows.map((row) => row.slug));
}

export async function archiveProject(tx: Tx, id: string, now: Date): Promise<boolean> {
  const { numAffectedRows } = await sql`
    UPDATE projects SET archived_at = ${now}, updated_at = ${now}, version = version + 1 WHERE id = ${id} AND archived_at IS NULL`.execute(tx);
  return numAffectedRows === 1n;
}

/** Removes an archived project with all its data; false where it is not archived. */
export async function purgeProject(tx: Tx, id: string): Promise<boolean> {
  await sql`DELETE FROM blobs b USING scans s WHERE s.blob_id = b.id AND s.project_id = ${id} AND EXISTS (SELECT FROM projects WHERE id = ${id} AND archived_at IS NOT NULL)`.execute(tx);
  await sql`DELETE FROM scan_components c USING scans s WHERE s.id = c.scan_id AND s.project_id = ${id} AND EXISTS (SELECT FROM projects WHERE id = ${id} AND archived_at IS NOT NULL)`.execute(tx);
  const { numAffectedRows } = await sql`DELETE FROM projects WHERE id = ${id} AND archived_at IS NOT NULL`.execute(tx);
  return numAffectedRows === 1n;
}

export async function hasActiveScan(db: Db, projectId: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM scans WHERE project_id = ${projectId} AND status IN ('queued', 'running') LIMIT 1`.execute(db);
  return rows.length > 0;
}

/** Rows of scans: queueing them, and what lists show. What a worker makes of them is in scan-states.ts. */
import { sql, type RawBuilder } from 'kysely';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import { containing, inOrder, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import type { ScanStatus } from './projects.ts';
import { projectVisible } from './scopes.ts';
import { statement } from './statement.ts';

export type ScanKind = 'source' | 'sbom' | 'container';
export type ScanStep = 'bootstrap' | 'fetch' | 'prep' | 'cdxgen' | 'license' | 'dt_upload' | 'dt_findings' | 'vuln_match' | 'finalize';

/** A step that came to nothing, or was not even tried. */
export interface SkippedStep {
  step: 'dt_upload' | 'dt_findings';
  reason: string;
}

export interface ScanRow {
  id: string;
  project_id: string;
  project_name: string;
  project_slug: string;
  kind: ScanKind;
  status: ScanStatus;
  progress_percent: number;
  current_step: ScanStep | null;
  ref: string | null;
  commit_sha: string | null;
  metadata: Record<string, unknown>;
  source_format: string | null;
  image: string | null;
  component_count: number | null;
  occurrence_count: number | null;
  error: { code: string; message: string } | null;
  warnings: string[];
  skipped_steps: SkippedStep[];
  requested_by_user_id: string | null;
  attempt: number;
  started_at: string | null;
  completed_at: string | null;
  created_at: string;
  updated_at: string;
}

const COLUMNS = sql`s.id, s.project_id, p.name AS project_name, p.slug AS project_slug, s.kind, s.status, s.progress_percent, s.current_step, s.ref, s.commit_sha,
  s.metadata, s.source_format, s.image, s.component_count, s.occurrence_count,
  CASE WHEN s.error_code IS NULL THEN NULL ELSE json_build_object('code', s.error_code, 'message', s.error_message) END AS error,
  s.warnings, s.skipped_steps, s.requested_by_user_id, s.attempt, s.started_at, s.completed_at, s.created_at, s.updated_at`;
const FROM = sql`FROM scans s JOIN projects p ON p.id = s.project_id`;
const SORTABLE = {
  created_at: { neverNull: sql`s.created_at` }, started_at: sql`s.started_at`, completed_at: sql`s.completed_at`, status: { neverNull: sql`s.status` }, kind: { neverNull: sql`s.kind` },
};

const scanById = statement<[id: string], ScanRow>(1, (id) => sql<ScanRow>`SELECT ${COLUMNS} ${FROM} WHERE s.id = ${id}`);

export async function findScan(db: Db, id: string): Promise<ScanRow | undefined> {
  return (await scanById(db, id))[0];
}

export type ScanProgress = Pick<ScanRow, 'id' | 'status' | 'progress_percent' | 'current_step' | 'updated_at'>;

/** Where these scans stand; those that are gone are not among them. */
export async function progressOf(db: Db, ids: readonly string[]): Promise<ScanProgress[]> {
  return (await sql<ScanProgress>`SELECT id, status, progress_percent, current_step, updated_at FROM scans WHERE id = ANY(${ids}::uuid[])`.execute(db)).rows;
}

export interface ScanFilters {
  projectId?: string | undefined;
  status?: readonly string[] | undefined;
  kind?: readonly string[] | undefined;
  ref?: string | undefined;
  text?: string | undefined;
  createdAfter?: string | undefined;
  createdBefore?: string | undefined;
}

/** Projects are joined where they restrict what may be seen, and for the page. All scans of those that may be seen are counted project by project, which is several times faster than a join. */
export async function listScans(db: Db, visibility: Visibility, filters: ScanFilters, page: PageRequest): Promise<{ items: ScanRow[]; total: number }> {
  const visible = projectVisible(visibility);
  const chosen = scanConditions(filters);
  const conditions = where([...visible, ...chosen]);
  const from = visible.length === 0 ? sql`FROM scans s` : FROM;
  const items = await sql<ScanRow>`${plannedAnew}
    SELECT ${COLUMNS} FROM (SELECT s.* ${from} ${conditions} ${orderAndPage(page, SORTABLE, sql`s.id`)}) s JOIN projects p ON p.id = s.project_id ${inOrder(page, SORTABLE, sql`s.id`)}`.execute(db);
  const counted = visible.length > 0 && chosen.length === 0
    ? sql`coalesce(sum(x.count), 0)::int AS total FROM projects p CROSS JOIN LATERAL (SELECT count(*) FROM scans s WHERE s.project_id = p.id) x ${conditions}`
    : sql`count(*)::int AS total ${from} ${conditions}`;
  const total = await sql<{ total: number }>`${plannedAnew} SELECT ${counted}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

function scanConditions(filters: ScanFilters): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.projectId !== undefined) conditions.push(sql`s.project_id = ${filters.projectId}`);
  if (filters.status !== undefined) conditions.push(sql`s.status = ANY(${filters.status})`);
  if (filters.kind !== undefined) conditions.push(sql`s.kind = ANY(${filters.kind})`);
  if (filters.ref !== undefined) conditions.push(sql`s.ref = ${filters.ref}`);
  if (filters.text !== undefined) {
    const own = filters.projectId === undefined ? sql`` : sql` || ''`; // the few scans of a project are read one by one rather than looked for among all
    conditions.push(sql`(s.ref${own} ILIKE ${containing(filters.text)} OR s.commit_sha${own} ILIKE ${containing(filters.text)})`);
  }
  if (filters.createdAfter !== undefined) conditions.push(sql`s.created_at >= ${filters.createdAfter}`);
  if (filters.createdBefore !== undefined) conditions.push(sql`s.created_at < ${filters.createdBefore}`);
  return conditions;
}

/** What a scan is compared with by default: the succeeded one before it of the same ref, else the project's current one; null where there is neither. */
export async function findBaseOf(db: Db, scanId: string): Promise<string | null> {
  const { rows } = await sql<{ id: string | null }>`
    SELECT coalesce(
      (SELECT o.id FROM scans o WHERE o.project_id = s.project_id AND o.status = 'succeeded' AND coalesce(o.ref, '') = coalesce(s.ref, '') AND (o.completed_at, o.id) < (s.completed_at, s.id)
       ORDER BY o.completed_at DESC, o.id DESC LIMIT 1),
      nullif(p.current_scan_id, s.id)) AS id
    ${FROM} WHERE s.id = ${scanId}`.execute(db);
  return rows[0]?.id ?? null;
}

export interface NewScan {
  projectId: string;
  kind: ScanKind;
  ref: string | null;
  commitSha: string | null;
  /** For git: the ref as the client named it, and the commit. */
  fetchRef: string | null;
  fetchCommit: string | null;
  metadata: Record<string, unknown>;
  sourceFormat: string | null;
  image: string | null;
  blobId: string | null;
  requestedByUserId: string | null;
}

export async function insertScan(tx: Tx, scan: NewScan): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO scans (project_id, kind, ref, commit_sha, fetch_ref, fetch_commit, metadata, source_format, image, blob_id, requested_by_user_id)
    VALUES (${scan.projectId}, ${scan.kind}, ${scan.ref}, ${scan.commitSha}, ${scan.fetchRef}, ${scan.fetchCommit}, ${toJson(scan.metadata)}, ${scan.sourceFormat}, ${scan.image}, ${scan.blobId}, ${scan.requestedByUserId})
    RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

export async function setScanJob(tx: Tx, scanId: string, jobId: string): Promise<void> {
  await sql`UPDATE scans SET job_id = ${jobId} WHERE id = ${scanId}`.execute(tx);
}

/** Queued and running scans of the project's ref, and how many its team has. Locks the project against a second request at once. */
export async function activeScans(tx: Tx, projectId: string, ref: string | null): Promise<{ activeScanId: string | null; teamCount: number; teamId: string; archived: boolean } | undefined> {
  const project = await sql<{ team_id: string; archived: boolean }>`SELECT team_id, archived_at IS NOT NULL AS archived FROM projects WHERE id = ${projectId} FOR NO KEY UPDATE`.execute(tx);
  const owner = project.rows[0];
  if (owner === undefined) return undefined;
  await sql`SELECT 1 FROM teams WHERE id = ${owner.team_id} FOR NO KEY UPDATE`.execute(tx);
  const { rows } = await sql<{ same: string | null; total: number }>`
    SELECT (array_agg(s.id) FILTER (WHERE s.project_id = ${projectId} AND coalesce(s.ref, '') = coalesce(${ref}::text, '')))[1] AS same, count(*)::int AS total
    FROM scans s JOIN projects p ON p.id = s.project_id
    WHERE p.team_id = ${owner.team_id} AND s.status IN ('queued', 'running')`.execute(tx);
  return { activeScanId: rows[0]?.same ?? null, teamCount: rows[0]?.total ?? 0, teamId: owner.team_id, archived: owner.archived };
}

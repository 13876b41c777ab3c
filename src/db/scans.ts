/** Rows of scans: queueing, the states a worker moves them through, and what lists show. */
import { sql, type RawBuilder } from 'kysely';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import { containing, neverNull, orderAndPage, where } from './paging.ts';
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
  created_at: neverNull(sql`s.created_at`), started_at: sql`s.started_at`, completed_at: sql`s.completed_at`, status: neverNull(sql`s.status`), kind: neverNull(sql`s.kind`),
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

/** Projects are joined where they restrict what may be seen, and for the page. */
export async function listScans(db: Db, visibility: Visibility, filters: ScanFilters, page: PageRequest): Promise<{ items: ScanRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = projectVisible(visibility);
  const from = conditions.length === 0 ? sql`FROM scans s` : FROM;
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
  const chosen = sql`SELECT s.* ${from} ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`s.id`)}`;
  const items = await sql<ScanRow>`SELECT ${COLUMNS} FROM (${chosen}) s JOIN projects p ON p.id = s.project_id ${orderAndPage({ ...page, offset: 0 }, SORTABLE, sql`s.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${from} ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
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

/** What a worker needs to run a scan. */
export interface ClaimedScan {
  id: string;
  projectId: string;
  kind: ScanKind;
  sourceFormat: string | null;
  /** Reference of a container image. */
  image: string | null;
  blobId: string | null;
  /** Fences this run: a scan that was taken over has a higher one. */
  attempt: number;
}

/** Takes a queued scan, or takes over one whose worker died; undefined where it has reached a final state. */
export async function claimScan(db: Db, id: string): Promise<ClaimedScan | undefined> {
  const { rows } = await sql<ClaimedScan>`
    UPDATE scans SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, now()), updated_at = now(), current_step = 'bootstrap'
    WHERE id = ${id} AND status IN ('queued', 'running')
    RETURNING id, project_id AS "projectId", kind, source_format AS "sourceFormat", image, blob_id AS "blobId", attempt`.execute(db);
  return rows[0];
}

/** Does this run still own its scan? False once it was cancelled, ended or taken over. */
export async function ownsScan(db: Db, scan: ClaimedScan): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM scans WHERE id = ${scan.id} AND status = 'running' AND attempt = ${scan.attempt}`.execute(db);
  return rows.length > 0;
}

/** Where a scan's source is to be had, and what of it. */
export interface GitOrigin {
  gitUrl: string | null;
  credentialSealed: Buffer | null;
  fetchRef: string | null;
  fetchCommit: string | null;
}

export async function findGitOrigin(db: Db, scanId: string): Promise<GitOrigin | undefined> {
  const { rows } = await sql<GitOrigin>`
    SELECT p.git_url AS "gitUrl", p.git_credential_sealed AS "credentialSealed", s.fetch_ref AS "fetchRef", s.fetch_commit AS "fetchCommit"
    FROM scans s JOIN projects p ON p.id = s.project_id WHERE s.id = ${scanId}`.execute(db);
  return rows[0];
}

/** Notes the commit that is really scanned. */
export async function recordCommit(db: Db, scan: ClaimedScan, commit: string): Promise<void> {
  await sql`UPDATE scans SET commit_sha = ${commit}, updated_at = clock_timestamp() WHERE id = ${scan.id} AND status = 'running' AND attempt = ${scan.attempt}`.execute(db);
}

/** Live frames travel on this channel, one JSON object each: {scan_id, percent, step, ts, status}. */
export const PROGRESS_CHANNEL = 'scan_progress';

const NOTIFY = sql`pg_notify(${PROGRESS_CHANNEL}, json_build_object('scan_id', id, 'percent', progress_percent, 'step', coalesce(current_step, status),
  'ts', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'status', status)::text)`;

/** Moves a running scan to a step and tells the listeners. False where this run no longer owns the scan. Percent never goes back. */
export async function advanceScan(db: Db, scan: ClaimedScan, step: ScanStep, percent: number): Promise<boolean> {
  const { rows } = await sql`
    WITH moved AS (
      UPDATE scans SET current_step = ${step}, progress_percent = greatest(progress_percent, ${percent}), updated_at = clock_timestamp()
      WHERE id = ${scan.id} AND status = 'running' AND attempt = ${scan.attempt} RETURNING *
    ) SELECT ${NOTIFY} FROM moved`.execute(db);
  return rows.length > 0;
}

/** Ends a scan without results; nothing happens where it has reached a final state or another run owns it. */
export async function failScan(db: Db, scan: { id: string; attempt?: number }, error: { code: string; message: string }): Promise<boolean> {
  const mine = scan.attempt === undefined ? sql`true` : sql`attempt = ${scan.attempt}`;
  const { rows } = await sql`
    WITH ended AS (
      UPDATE scans SET status = 'failed', error_code = ${error.code}, error_message = ${error.message}, completed_at = clock_timestamp(), updated_at = clock_timestamp()
      WHERE id = ${scan.id} AND status IN ('queued', 'running') AND ${mine} RETURNING *
    ), announced AS (
      INSERT INTO notices (kind, project_id, audience, user_id, facts)
      SELECT 'scan_failed', project_id, CASE WHEN requested_by_user_id IS NULL THEN 'team_admins' ELSE 'user' END, requested_by_user_id, jsonb_build_object('scan_id', id, 'ref', ref, 'message', error_message) FROM ended
    ) SELECT ${NOTIFY} FROM ended`.execute(db);
  return rows.length > 0;
}

/** Ends a queued or running scan at its users' wish; false where it has reached a final state. Waits for a publication that is under way. */
export async function cancelScan(tx: Tx, id: string): Promise<boolean> {
  const { rows } = await sql`
    WITH ended AS (
      UPDATE scans SET status = 'cancelled', error_code = 'cancelled', error_message = 'Cancelled by an administrator.', completed_at = clock_timestamp(), updated_at = clock_timestamp()
      WHERE id = ${id} AND status IN ('queued', 'running') RETURNING *
    ) SELECT ${NOTIFY} FROM ended`.execute(tx);
  return rows.length > 0;
}

/** Locks a running scan for publishing; false where this run no longer owns it. */
export async function lockRunningScan(tx: Tx, scan: ClaimedScan): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM scans WHERE id = ${scan.id} AND status = 'running' AND attempt = ${scan.attempt} FOR UPDATE`.execute(tx);
  return rows.length > 0;
}

export interface ScanOutcome {
  componentCount: number;
  occurrenceCount: number;
  warnings: readonly string[];
  skippedSteps: readonly SkippedStep[];
  /** SPDX expression of the product's own licence files. */
  ownLicense: string | null;
}

/** Marks a scan succeeded: the current one of its ref, and the project's where it is the newest of the main line. */
export async function succeedScan(tx: Tx, scan: ClaimedScan, outcome: ScanOutcome): Promise<void> {
  await sql`
    UPDATE scans old SET is_current = false FROM scans new
    WHERE new.id = ${scan.id} AND old.project_id = new.project_id AND coalesce(old.ref, '') = coalesce(new.ref, '') AND old.is_current`.execute(tx);
  await sql`
    WITH ended AS (
      UPDATE scans SET status = 'succeeded', is_current = true, current_step = 'finalize', progress_percent = 100, component_count = ${outcome.componentCount},
        occurrence_count = ${outcome.occurrenceCount}, warnings = ${toJson(outcome.warnings)}, skipped_steps = ${toJson(outcome.skippedSteps)}, own_license = ${outcome.ownLicense}, completed_at = clock_timestamp(), updated_at = clock_timestamp()
      WHERE id = ${scan.id} RETURNING *
    ), announced AS (
      INSERT INTO notices (kind, project_id, audience, user_id, facts)
      SELECT 'scan_completed', project_id, CASE WHEN requested_by_user_id IS NULL THEN 'channels' ELSE 'user' END, requested_by_user_id, jsonb_build_object('scan_id', id, 'ref', ref, 'components', component_count) FROM ended
    ) SELECT ${NOTIFY} FROM ended`.execute(tx);
  await chooseCurrentScan(tx, scan.projectId);
}

/** The main line is the default branch; else scans without a ref; else whatever ref was scanned last. */
export async function chooseCurrentScan(tx: Tx, projectId: string): Promise<void> {
  // of two scans of one project that end at once, the second to come must see what the first has left
  await sql`SELECT 1 FROM projects WHERE id = ${projectId} FOR NO KEY UPDATE`.execute(tx);
  await sql`
    UPDATE projects p SET current_scan_id = (
      SELECT s.id FROM scans s WHERE s.project_id = p.id AND s.status = 'succeeded'
      ORDER BY (s.ref IS NOT NULL AND s.ref = p.default_branch) DESC, (s.ref IS NULL) DESC, s.completed_at DESC, s.id DESC LIMIT 1)
    WHERE p.id = ${projectId}`.execute(tx);
}

/** The states that a worker moves a scan through, each guarded by the attempt that owns it, and told to listeners as it changes. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import type { ScanKind, ScanStep, SkippedStep } from './scans.ts';

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

/**
 * Marks a scan succeeded: the current one of its ref, and perhaps the project's (chooseCurrentScan).
 * @returns scans whose components stand elsewhere now: this one, the one that it takes the place of, and the one that the project shows no longer
 */
export async function succeedScan(tx: Tx, scan: ClaimedScan, outcome: ScanOutcome): Promise<string[]> {
  const replaced = await sql<{ id: string }>`
    UPDATE scans old SET is_current = false FROM scans new
    WHERE new.id = ${scan.id} AND old.project_id = new.project_id AND coalesce(old.ref, '') = coalesce(new.ref, '') AND old.is_current RETURNING old.id`.execute(tx);
  await sql`
    WITH ended AS (
      UPDATE scans SET status = 'succeeded', is_current = true, current_step = 'finalize', progress_percent = 100, component_count = ${outcome.componentCount},
        occurrence_count = ${outcome.occurrenceCount}, warnings = ${toJson(outcome.warnings)}, skipped_steps = ${toJson(outcome.skippedSteps)}, own_license = ${outcome.ownLicense}, completed_at = clock_timestamp(), updated_at = clock_timestamp()
      WHERE id = ${scan.id} RETURNING *
    ), announced AS (
      INSERT INTO notices (kind, project_id, audience, user_id, facts)
      SELECT 'scan_completed', project_id, CASE WHEN requested_by_user_id IS NULL THEN 'channels' ELSE 'user' END, requested_by_user_id, jsonb_build_object('scan_id', id, 'ref', ref, 'components', component_count) FROM ended
    ) SELECT ${NOTIFY} FROM ended`.execute(tx);
  const left = await chooseCurrentScan(tx, scan.projectId);
  return [scan.id, ...replaced.rows.map(({ id }) => id), ...(left === null ? [] : [left])];
}

/** The newest of the default branch; where there is no such branch, or none of it has succeeded, the newest of all. Returns the scan that is shown no longer; null where it is the same, or there was none. */
export async function chooseCurrentScan(tx: Tx, projectId: string): Promise<string | null> {
  // of two scans of one project that end at once, the second to come must see what the first has left
  await sql`SELECT 1 FROM projects WHERE id = ${projectId} FOR NO KEY UPDATE`.execute(tx);
  const { rows } = await sql<{ former: string | null }>`
    UPDATE projects p SET current_scan_id = chosen.id
    FROM (
      SELECT o.current_scan_id AS former, (
        SELECT s.id FROM scans s WHERE s.project_id = o.id AND s.status = 'succeeded'
        ORDER BY coalesce(s.ref = o.default_branch, false) DESC, s.completed_at DESC, s.id DESC LIMIT 1) AS id
      FROM projects o WHERE o.id = ${projectId}
    ) chosen
    WHERE p.id = ${projectId} AND p.current_scan_id IS DISTINCT FROM chosen.id RETURNING chosen.former`.execute(tx);
  return rows[0]?.former ?? null;
}

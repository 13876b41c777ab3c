/** Scans that are in nobody's hands any longer, and those that nobody will look at. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

export async function runningScans(db: Db): Promise<{ id: string; attempt: number }[]> {
  return (await sql<{ id: string; attempt: number }>`SELECT id, attempt FROM scans WHERE status = 'running'`.execute(db)).rows;
}

/** Queued and running scans that have not moved for a minute and for which no job waits or runs. */
export async function orphanedScans(db: Db): Promise<{ id: string; attempt: number }[]> {
  const { rows } = await sql<{ id: string; attempt: number }>`
    SELECT s.id, s.attempt FROM scans s
    WHERE s.status IN ('queued', 'running') AND s.updated_at < now() - interval '1 minute'
      AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = 'run-scan' AND j.id = s.job_id AND j.state IN ('created', 'retry', 'active'))
      AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = 'give-up-scan' AND j.data->>'scan_id' = s.id::text AND j.state IN ('created', 'retry', 'active'))
    ORDER BY s.id LIMIT 100`.execute(db);
  return rows;
}

/** Gives a scan back to the queue where this run still has it; undefined where it has not. */
export async function requeueScan(tx: Tx, scan: { id: string; attempt: number }): Promise<{ teamId: string } | undefined> {
  const { rows } = await sql<{ teamId: string }>`
    UPDATE scans s SET status = 'queued', updated_at = clock_timestamp() FROM projects p
    WHERE s.id = ${scan.id} AND s.attempt = ${scan.attempt} AND s.status IN ('queued', 'running') AND p.id = s.project_id
    RETURNING p.team_id AS "teamId"`.execute(tx);
  return rows[0];
}

const SCANS_AT_ONCE = 20;
const UPLOADS_AT_ONCE = 100;

/**
 * Ended scans beyond the newest `keep` of their project and ref and of their outcome, a few at a time; returns how many went. The current scan of a ref
 * and the one that a project shows stay whatever their age.
 */
export async function deleteOldScans(db: Db, keep: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM scans WHERE id IN (
      SELECT id FROM (
        SELECT id, is_current, row_number() OVER (PARTITION BY project_id, coalesce(ref, ''), status = 'succeeded' ORDER BY completed_at DESC, id DESC) AS place
        FROM scans WHERE status IN ('succeeded', 'failed', 'cancelled')
      ) ranked
      WHERE place > ${keep} AND NOT is_current AND NOT EXISTS (SELECT FROM projects p WHERE p.current_scan_id = ranked.id)
      LIMIT ${sql.lit(SCANS_AT_ONCE)})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/** Uploads that no queued or running scan needs, a few at a time; returns how many went. */
export async function deleteEndedUploads(db: Db, keepHours: number): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM blobs WHERE id IN (
      SELECT b.id FROM blobs b
      WHERE b.created_at < now() - make_interval(hours => ${keepHours})
        AND NOT EXISTS (SELECT FROM scans s WHERE s.blob_id = b.id AND (s.status IN ('queued', 'running') OR s.completed_at >= now() - make_interval(hours => ${keepHours})))
      ORDER BY b.created_at LIMIT ${sql.lit(UPLOADS_AT_ONCE)})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

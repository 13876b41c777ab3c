/** The code host of a project. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

export type CodeHostKind = 'github' | 'gitlab';

export interface CodeHostRow {
  kind: CodeHostKind;
  api_url: string;
  token_sealed: Buffer;
  /** Of scans that a webhook asked for, a comment by itself. */
  comments: boolean;
  commit_statuses: boolean;
  updated_at: string;
  /** When a scan was last told by itself; null: never. */
  reported_at: string | null;
  report_error: string | null;
}

export async function findCodeHost(db: Db, projectId: string): Promise<CodeHostRow | undefined> {
  const { rows } = await sql<CodeHostRow>`SELECT kind, api_url, token_sealed, comments, commit_statuses, updated_at, reported_at, report_error FROM project_code_hosts WHERE project_id = ${projectId}`.execute(db);
  return rows[0];
}

export async function putCodeHost(tx: Tx, host: { projectId: string; kind: CodeHostKind; apiUrl: string; tokenSealed: Buffer; comments: boolean; commitStatuses: boolean; userId: string | null }): Promise<void> {
  await sql`
    INSERT INTO project_code_hosts (project_id, kind, api_url, token_sealed, comments, commit_statuses, updated_by_user_id)
    VALUES (${host.projectId}, ${host.kind}, ${host.apiUrl}, ${host.tokenSealed}, ${host.comments}, ${host.commitStatuses}, ${host.userId})
    ON CONFLICT (project_id) DO UPDATE SET kind = excluded.kind, api_url = excluded.api_url, token_sealed = excluded.token_sealed, comments = excluded.comments,
      commit_statuses = excluded.commit_statuses, updated_by_user_id = excluded.updated_by_user_id, updated_at = now(), reported_at = NULL, report_error = NULL`.execute(tx);
}

/** Is there anything to tell a code host of this scan? */
export async function isReported(tx: Tx, scanId: string): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM scans s JOIN project_code_hosts h ON h.project_id = s.project_id
    WHERE s.id = ${scanId} AND ((h.commit_statuses AND s.commit_sha IS NOT NULL) OR (h.comments AND s.metadata->'webhook' ?| ARRAY['pull_request', 'merge_request']))`.execute(tx);
  return rows.length > 0;
}

export async function noteReport(db: Db, projectId: string, error: string | null): Promise<void> {
  await sql`UPDATE project_code_hosts SET reported_at = now(), report_error = ${error} WHERE project_id = ${projectId}`.execute(db);
}

/** Was there one? */
export async function deleteCodeHost(tx: Tx, projectId: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`DELETE FROM project_code_hosts WHERE project_id = ${projectId}`.execute(tx);
  return numAffectedRows > 0n;
}

/** What a pull request's scan is compared with: the current scan of the branch that it goes to, else the project's current one; null where that is the scan itself, or there is none. */
export async function baseOfRequest(db: Db, scanId: string, baseRef: string | null): Promise<string | null> {
  const { rows } = await sql<{ id: string | null }>`
    SELECT nullif(coalesce((SELECT b.id FROM scans b WHERE b.project_id = s.project_id AND b.is_current AND b.ref = ${baseRef}), p.current_scan_id), s.id) AS id
    FROM scans s JOIN projects p ON p.id = s.project_id WHERE s.id = ${scanId}`.execute(db);
  return rows[0]?.id ?? null;
}

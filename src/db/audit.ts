/** Rows of the audit log; always written in the transaction of the change they tell of. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';
import { toJson } from './json.ts';

export interface AuditRow {
  actorKind: 'user' | 'api_key' | 'system' | 'anonymous';
  actorUserId: string | null;
  actorEmail: string | null;
  /** The middle of the API key's text, where a key acted. */
  actorKeyPrefix?: string | null;
  teamId: string | null;
  operation: string;
  action: string;
  targetTable: string;
  targetId: string | null;
  requestId: string;
  ip: string | null;
  userAgent: string | null;
  diff: Record<string, unknown> | null;
}

/** The project that a row is about; found here, so that no writer has to think of it. */
const PROJECT = sql`CASE "targetTable"
  WHEN 'projects' THEN "targetId"::uuid
  WHEN 'scans' THEN (SELECT x.project_id FROM scans x WHERE x.id = "targetId"::uuid)
  WHEN 'findings' THEN (SELECT x.project_id FROM findings x WHERE x.id = "targetId"::uuid)
  WHEN 'approvals' THEN coalesce((SELECT x.project_id FROM approvals x WHERE x.id = "targetId"::uuid), (SELECT x.project_id FROM components x WHERE x.id = (diff ->> 'component_id')::uuid))
  WHEN 'concluded_licenses' THEN (SELECT x.project_id FROM components x WHERE x.id = "targetId"::uuid)
  WHEN 'api_keys' THEN (SELECT x.project_id FROM api_keys x WHERE x.id = "targetId"::uuid)
  WHEN 'obligation_fulfilments' THEN (diff ->> 'project_id')::uuid
END`;

export async function insertAudits(tx: Db, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO audit_log (actor_kind, actor_user_id, actor_email, actor_key_prefix, team_id, project_id, operation, action, target_table, target_id, request_id, ip, user_agent, diff)
    SELECT "actorKind", "actorUserId", "actorEmail", "actorKeyPrefix", "teamId", ${PROJECT}, operation, action, "targetTable", "targetId", "requestId", ip, "userAgent", diff
    FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS t ("actorKind" text, "actorUserId" uuid, "actorEmail" text, "actorKeyPrefix" text, "teamId" uuid, operation text,
      action text, "targetTable" text, "targetId" text, "requestId" text, ip text, "userAgent" text, diff jsonb)`.execute(tx);
}

export async function insertAudit(tx: Db, row: AuditRow): Promise<void> {
  await insertAudits(tx, [row]);
}

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

export async function insertAudits(tx: Db, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO audit_log (actor_kind, actor_user_id, actor_email, actor_key_prefix, team_id, operation, action, target_table, target_id, request_id, ip, user_agent, diff)
    SELECT "actorKind", "actorUserId", "actorEmail", "actorKeyPrefix", "teamId", operation, action, "targetTable", "targetId", "requestId", ip, "userAgent", diff
    FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS t ("actorKind" text, "actorUserId" uuid, "actorEmail" text, "actorKeyPrefix" text, "teamId" uuid, operation text,
      action text, "targetTable" text, "targetId" text, "requestId" text, ip text, "userAgent" text, diff jsonb)`.execute(tx);
}

export async function insertAudit(tx: Db, row: AuditRow): Promise<void> {
  await insertAudits(tx, [row]);
}

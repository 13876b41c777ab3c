/** Rows of the audit log; always written in the transaction of the change they tell of. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

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

export async function insertAudit(tx: Db, row: AuditRow): Promise<void> {
  await sql`
    INSERT INTO audit_log (actor_kind, actor_user_id, actor_email, actor_key_prefix, team_id, operation, action, target_table, target_id, request_id, ip, user_agent, diff)
    VALUES (${row.actorKind}, ${row.actorUserId}, ${row.actorEmail}, ${row.actorKeyPrefix ?? null}, ${row.teamId}, ${row.operation}, ${row.action}, ${row.targetTable}, ${row.targetId},
      ${row.requestId}, ${row.ip}, ${row.userAgent}, ${row.diff === null ? null : JSON.stringify(row.diff)})`.execute(tx);
}

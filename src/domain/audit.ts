/** One audit row for each write, in the write's own transaction, with secrets masked. */
import { userIdOf } from '../core/actor.ts';
import { insertAudits } from '../db/audit.ts';
import type { Db } from '../db/connect.ts';
import type { Context } from './context.ts';

export interface AuditEntry {
  action: 'create' | 'update' | 'delete' | 'archive' | 'cancel' | 'login' | 'logout' | 'refresh' | 'refuse' | 'export';
  table: string;
  id: string | null;
  teamId?: string | null;
  /** What changed, by column. */
  diff?: Record<string, unknown>;
}

const SECRET = /password|token|secret|credential|hash|key|sealed/i;

export async function audit(tx: Db, context: Context, entry: AuditEntry): Promise<void> {
  await auditAll(tx, context, [entry]);
}

/** The rows of many writes of one request. */
export async function auditAll(tx: Db, { actor, request }: Context, entries: readonly AuditEntry[]): Promise<void> {
  await insertAudits(tx, entries.map((entry) => ({
    actorKind: actor.kind,
    actorUserId: userIdOf(actor),
    actorEmail: actor.kind === 'user' || actor.kind === 'api_key' ? actor.email : null,
    actorKeyPrefix: actor.kind === 'api_key' ? actor.prefix : null,
    teamId: entry.teamId ?? null,
    operation: request.operation,
    action: entry.action,
    targetTable: entry.table,
    targetId: entry.id,
    requestId: request.id,
    ip: request.ip,
    userAgent: request.userAgent,
    diff: entry.diff === undefined ? null : mask(entry.diff),
  })));
}

/** How many there are of something is no secret. */
function mask(diff: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(diff).filter(([, value]) => value !== undefined).map(([name, value]) => [name, SECRET.test(name) && value !== null && typeof value !== 'number' ? '***' : value]));
}

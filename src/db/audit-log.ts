/** Reading the audit log: pages for people, and all of it for exports. Rows sort by time and id; a place in that order is a cursor. */
import { sql, type RawBuilder } from 'kysely';
import type { Db } from './connect.ts';
import { containing, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';

export interface AuditEntryRow {
  id: string;
  created_at: string;
  actor_kind: 'user' | 'api_key' | 'system' | 'anonymous';
  actor_user_id: string | null;
  actor_email: string | null;
  actor_key_prefix: string | null;
  team_id: string | null;
  project_id: string | null;
  operation: string;
  action: string;
  target_table: string;
  target_id: string | null;
  request_id: string | null;
  ip: string | null;
  user_agent: string | null;
  diff: Record<string, unknown> | null;
}

export interface AuditFilters {
  actorUserId?: string | undefined;
  teamId?: string | undefined;
  projectId?: string | undefined;
  targetTables?: readonly string[] | undefined;
  targetId?: string | undefined;
  actions?: readonly string[] | undefined;
  requestId?: string | undefined;
  /** RFC 3339, inclusive. */
  from?: string | undefined;
  /** RFC 3339, exclusive. */
  to?: string | undefined;
  /** In what changed. */
  text?: string | undefined;
}

export interface AuditPage {
  limit: number;
  offset: number;
  oldestFirst: boolean;
  /** Id of an entry: only what comes behind it. */
  cursor: string | undefined;
}

/** Counting goes no further: a log grows without end. */
const MAX_COUNTED = 100_000;

const COLUMNS = sql`a.id, a.created_at, a.actor_kind, a.actor_user_id, a.actor_email, a.actor_key_prefix, a.team_id, a.project_id, a.operation, a.action, a.target_table, a.target_id,
  a.request_id, a.ip, a.user_agent, a.diff`;

function conditionsOf(filters: AuditFilters): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.actorUserId !== undefined) conditions.push(sql`a.actor_user_id = ${filters.actorUserId}`);
  if (filters.teamId !== undefined) conditions.push(sql`a.team_id = ${filters.teamId}`);
  if (filters.projectId !== undefined) conditions.push(sql`a.project_id = ${filters.projectId}`);
  if (filters.targetTables !== undefined) conditions.push(oneOf(sql`a.target_table`, filters.targetTables));
  if (filters.targetId !== undefined) conditions.push(sql`a.target_id = ${filters.targetId}`);
  if (filters.actions !== undefined) conditions.push(oneOf(sql`a.action`, filters.actions));
  if (filters.requestId !== undefined) conditions.push(sql`a.request_id = ${filters.requestId}`);
  if (filters.from !== undefined) conditions.push(sql`a.created_at >= ${filters.from}`);
  if (filters.to !== undefined) conditions.push(sql`a.created_at < ${filters.to}`);
  if (filters.text !== undefined) conditions.push(sql`a.diff::text ILIKE ${containing(filters.text)}`);
  return conditions;
}

/** One value as `=`, which keeps the order of an index. */
function oneOf(column: RawBuilder<unknown>, values: readonly string[]): RawBuilder<unknown> {
  return values.length === 1 ? sql`${column} = ${values[0]}` : sql`${column} = ANY(${values}::text[])`;
}

function behind(cursor: string, oldestFirst: boolean): RawBuilder<unknown> {
  return sql`(a.created_at, a.id) ${oldestFirst ? sql`>` : sql`<`} ((SELECT c.created_at FROM audit_log c WHERE c.id = ${cursor}), ${cursor}::uuid)`;
}

function pageOf(filters: AuditFilters, { limit, offset, oldestFirst, cursor }: AuditPage): RawBuilder<AuditEntryRow> {
  const conditions = [...conditionsOf(filters), ...(cursor === undefined ? [] : [behind(cursor, oldestFirst)])];
  const order = oldestFirst ? sql`ORDER BY a.created_at, a.id` : sql`ORDER BY a.created_at DESC, a.id DESC`;
  return sql<AuditEntryRow>`${plannedAnew} SELECT ${COLUMNS} FROM audit_log a ${where(conditions)} ${order} LIMIT ${limit} OFFSET ${offset}`;
}

export async function isAuditEntry(db: Db, id: string): Promise<boolean> {
  return (await sql`SELECT 1 FROM audit_log WHERE id = ${id}`.execute(db)).rows.length > 0;
}

/** `total` is MAX_COUNTED at most; `nextCursor` is null on the last page. */
export async function listAuditEntries(db: Db, filters: AuditFilters, page: AuditPage): Promise<{ items: AuditEntryRow[]; total: number; isCapped: boolean; nextCursor: string | null }> {
  const { rows } = await pageOf(filters, { ...page, limit: page.limit + 1 }).execute(db);
  const counted = await sql<{ total: number }>`${plannedAnew} SELECT count(*)::int AS total FROM (SELECT FROM audit_log a ${where(conditionsOf(filters))} LIMIT ${MAX_COUNTED + 1}) x`.execute(db);
  const total = counted.rows[0]?.total ?? 0;
  const items = rows.slice(0, page.limit);
  return { items, total: Math.min(total, MAX_COUNTED), isCapped: total > MAX_COUNTED, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
}

/**
 * All that fit, newest first, a batch in memory at a time. Each batch is a statement of its own: no transaction is held open while the reader takes its time, and
 * entries that come meanwhile are newer than the first one.
 */
export async function* readAuditEntries(db: Db, filters: AuditFilters, batchSize: number): AsyncGenerator<AuditEntryRow[]> {
  for (let cursor: string | undefined; ; ) {
    const { rows }: { rows: AuditEntryRow[] } = await pageOf(filters, { limit: batchSize, offset: 0, oldestFirst: false, cursor }).execute(db);
    if (rows.length > 0) yield rows;
    cursor = rows.at(-1)?.id;
    if (rows.length < batchSize) return;
  }
}

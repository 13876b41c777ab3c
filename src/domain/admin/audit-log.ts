/** Reading the audit log, page by page or whole. */
import { DomainError } from '../../core/errors.ts';
import { isAuditEntry, listAuditEntries, readAuditEntries, type AuditEntryRow, type AuditFilters, type AuditPage } from '../../db/audit-log.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { BYTE_ORDER_MARK, csvRecord } from '../formats/csv.ts';

/** Clients know the first eight; the contract lets only add behind the last. */
const COLUMNS = [
  'created_at', 'actor_user_id', 'actor_email', 'team_id', 'target_table', 'target_id', 'action', 'request_id',
  'id', 'project_id', 'actor_kind', 'actor_key_prefix', 'operation', 'ip', 'user_agent',
] as const satisfies readonly (keyof AuditEntryRow)[];
/** Rows in memory at a time. */
const BATCH = 1_000;

export interface AuditEntries {
  items: AuditEntryRow[];
  total: number;
  total_is_capped: boolean;
  limit: number;
  offset: number;
  next_cursor: string | null;
}

/** Throws invalid-request for a cursor that is none. */
export async function listAudit({ db }: Pick<Context, 'db'>, filters: AuditFilters, page: AuditPage): Promise<AuditEntries> {
  if (page.cursor !== undefined && !(await isAuditEntry(db, page.cursor))) {
    throw new DomainError('invalid-request', 'There is no entry at this cursor. Begin again without one.', { errors: [{ parameter: 'cursor', message: 'names no entry' }] });
  }
  const { items, total, isCapped, nextCursor } = await listAuditEntries(db, filters, page);
  return { items, total, total_is_capped: isCapped, limit: page.limit, offset: page.offset, next_cursor: nextCursor };
}

export interface AuditExport {
  fileName: string;
  /** Reads on only as its reader takes it, and stops when that goes away. */
  text: AsyncIterable<string>;
}

/** Notes the export before the first byte leaves: it must not be had without its entry. */
export async function exportAudit(context: Context, filters: AuditFilters): Promise<AuditExport> {
  await audit(context.db, context, { action: 'export', table: 'audit_log', id: null, diff: { ...filters } });
  const stamp = context.now().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return { fileName: `audit-${stamp}.csv`, text: toCsv(readAuditEntries(context.db, filters, BATCH)) };
}

async function* toCsv(batches: AsyncIterable<AuditEntryRow[]>): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvRecord([...COLUMNS, 'diff']);
  for await (const rows of batches) yield rows.map(record).join('');
}

const record = (row: AuditEntryRow): string => csvRecord([...COLUMNS.map((name) => row[name]), row.diff === null ? null : JSON.stringify(row.diff)]);

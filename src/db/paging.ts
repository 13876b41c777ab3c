/** ORDER BY and pages, once for all lists. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';

/** SQL expression by sort field; the contract's x-sort-fields are its keys. */
export type Sortable = Readonly<Record<string, RawBuilder<unknown>>>;

const NEVER_NULL = new WeakSet<RawBuilder<unknown>>();

/** Marks an expression that is never null: it is sorted without `NULLS LAST`, so that an index on it serves both ways. */
export function neverNull(expression: RawBuilder<unknown>): RawBuilder<unknown> {
  NEVER_NULL.add(expression);
  return expression;
}

/** `ORDER BY ... LIMIT ... OFFSET ...`, made total by `tieBreaker`, which goes the way of the last key or always up. NULLs come last both ways. */
export function orderAndPage(request: PageRequest, sortable: Sortable, tieBreaker: RawBuilder<unknown>, ties: 'as the last key' | 'ascending' = 'as the last key'): RawBuilder<unknown> {
  const keys = request.sort.flatMap(({ field, descending }) => {
    const expression = sortable[field];
    if (expression === undefined) throw new Error(`no SQL for sort field ${field}`);
    const nulls = NEVER_NULL.has(expression) ? sql`` : sql` NULLS LAST`;
    return [descending ? sql`${expression} DESC${nulls}` : sql`${expression} ASC${nulls}`];
  });
  const descending = ties === 'as the last key' && request.sort.at(-1)?.descending === true;
  const order = sql.join([...keys, descending ? sql`${tieBreaker} DESC` : sql`${tieBreaker} ASC`]);
  return sql`ORDER BY ${order} LIMIT ${request.limit} OFFSET ${request.offset}`;
}

/** `WHERE a AND b`, or nothing. */
export function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
}

/** `%text%` with LIKE's own characters taken literally. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

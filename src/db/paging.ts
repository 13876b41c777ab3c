/** ORDER BY and pages, once for all lists. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';

/** An expression that is never null: it is sorted without `NULLS LAST`, so that an index on it serves both ways. */
interface NeverNull {
  neverNull: RawBuilder<unknown>;
}

/** SQL expression by sort field; the contract's x-sort-fields are its keys. */
export type Expressions = Readonly<Record<string, RawBuilder<unknown>>>;
type Sortable = Readonly<Record<string, RawBuilder<unknown> | NeverNull>>;

/** `ORDER BY ...`, made total by `tieBreaker`, which goes the way of the last key or always up. NULLs come last both ways. */
export function inOrder({ sort }: Pick<PageRequest, 'sort'>, sortable: Sortable, tieBreaker: RawBuilder<unknown>, ties: 'as the last key' | 'ascending' = 'as the last key'): RawBuilder<unknown> {
  const keys = sort.flatMap(({ field, descending }) => {
    const key = sortable[field];
    if (key === undefined) throw new Error(`no SQL for sort field ${field}`);
    const [expression, nulls] = 'neverNull' in key ? [key.neverNull, sql``] : [key, sql` NULLS LAST`];
    return [descending ? sql`${expression} DESC${nulls}` : sql`${expression} ASC${nulls}`];
  });
  const descending = ties === 'as the last key' && sort.at(-1)?.descending === true;
  return sql`ORDER BY ${sql.join([...keys, descending ? sql`${tieBreaker} DESC` : sql`${tieBreaker} ASC`])}`;
}

/** `ORDER BY ... LIMIT ... OFFSET ...`. A list that finds its page with few tables and then joins others puts that in order again by `inOrder`. */
export function orderAndPage(request: PageRequest, sortable: Sortable, tieBreaker: RawBuilder<unknown>, ties?: 'as the last key' | 'ascending'): RawBuilder<unknown> {
  return sql`${inOrder(request, sortable, tieBreaker, ties)} LIMIT ${request.limit} OFFSET ${request.offset}`;
}

/** `WHERE a AND b`, or nothing. */
export function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`WHERE ${sql.join(conditions, sql` AND `)}`;
}

/** `%text%` with LIKE's own characters taken literally. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}

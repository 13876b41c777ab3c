/** Transactions that are tried again where PostgreSQL says so (serialisation failure, deadlock). */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

const RETRYABLE = new Set(['40001', '40P01']);
const MAX_TRIES = 4;

/** Runs `work` in one transaction; it may run more than once, so it must not act outside of it. */
export async function inTransaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (attempt >= MAX_TRIES || !RETRYABLE.has(sqlState(error) ?? '')) throw error;
    }
  }
}

/**
 * Runs reading statements with plans for their very values. A prepared statement else has one plan for all, made for the average scan, and
 * where one scan has ten components and another 100,000 that is a plan for neither.
 */
export function planned<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, async (tx) => {
    await sql`SET LOCAL plan_cache_mode = force_custom_plan`.execute(tx);
    return work(tx);
  });
}

/** SQLSTATE of a database error. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Did the statement break this constraint or unique index? */
export function violates(error: unknown, constraint: string): boolean {
  return /^23/.test(sqlState(error) ?? '') && error instanceof Error && 'constraint' in error && error.constraint === constraint;
}

/** Runs `work` in a transaction of which there is one at a time, over all processes, for each name. */
export function withAdvisoryLock<T>(db: Db, name: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sca-portal:${name}`}, 0))`.execute(tx);
    return work(tx);
  });
}

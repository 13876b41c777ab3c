/** Transactions that are tried again where PostgreSQL says so (serialisation failure, deadlock), or where a migration beside us has changed a table. */
import { sql } from 'kysely';
import { errorCode } from '../core/values.ts';
import type { Db, Tx } from './connect.ts';
import { isStalePlan } from './prepared.ts';

const RETRYABLE = new Set(['40001', '40P01']);
const MAX_TRIES = 4;

/**
 * Runs `work` in one transaction; it may run more than once, so it must not act outside of it. Within a transaction (a request with an
 * Idempotency-Key is one) it is a part of that, which is undone where it throws; trying again is then the whole transaction's business.
 */
export async function inTransaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (isTransaction(db)) return inSavepoint(db, work);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (attempt >= MAX_TRIES || !(RETRYABLE.has(errorCode(error)) || isStalePlan(error))) throw error;
    }
  }
}

const isTransaction = (db: Db): db is Tx => db.isTransaction;

/** Savepoints of one name nest: each hides the one before it. */
async function inSavepoint<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
  await sql`SAVEPOINT part`.execute(tx);
  try {
    const result = await work(tx);
    await sql`RELEASE SAVEPOINT part`.execute(tx);
    return result;
  } catch (error) {
    await sql`ROLLBACK TO SAVEPOINT part`.execute(tx);
    await sql`RELEASE SAVEPOINT part`.execute(tx);
    throw error;
  }
}

/** Did the statement break this constraint or unique index? */
export function violates(error: unknown, constraint: string): boolean {
  return /^23/.test(errorCode(error)) && error instanceof Error && 'constraint' in error && error.constraint === constraint;
}

/** Runs `work` in a transaction of which there is one at a time, over all processes, for each name. */
export function withAdvisoryLock<T>(db: Db, name: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, async (tx) => {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`sca-portal:${name}`}, 0))`.execute(tx);
    return work(tx);
  });
}

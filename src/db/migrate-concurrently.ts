/**
 * Migrations named `*_concurrently.sql`: indexes of large tables, built while everybody reads and writes, which PostgreSQL does outside of transactions only.
 * One that was broken off, by a kill of this process or of the server, leaves an invalid index behind, which is dropped and built again.
 */
import type pg from 'pg';
import type { Log } from './log.ts';
import { statementsOf } from './sql-text.ts';

const CREATE = /^CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+) ON \w+\b/i;
const DROP = /^DROP INDEX CONCURRENTLY IF EXISTS \w+$/i;

export const isConcurrent = (name: string): boolean => name.endsWith('_concurrently.sql');

/** What such a file does within a transaction, where nobody else is on the tables: in a restore. */
export const withoutConcurrently = (text: string): string => text.replaceAll(/\bINDEX\s+CONCURRENTLY\b/gi, 'INDEX');

/** Throws where the file holds anything else, and whatever PostgreSQL says. Can be run again at any point. */
export async function buildConcurrently(client: pg.Client, { name, text }: { name: string; text: string }, log: Log): Promise<void> {
  const statements = statementsOf(text);
  const stray = statements.find((statement) => !CREATE.test(statement) && !DROP.test(statement));
  if (stray !== undefined) throw new Error(`only CREATE INDEX CONCURRENTLY IF NOT EXISTS and DROP INDEX CONCURRENTLY IF EXISTS may stand in ${name}, not: ${stray.slice(0, 100)}`);
  await client.query('SET lock_timeout = 0; SET statement_timeout = 0'); // it waits for transactions, and nobody for it
  for (const statement of statements) {
    const index = CREATE.exec(statement)?.[1];
    if (index !== undefined && (await isValid(client, index)) === false) {
      log.warn(`The index ${index} was not finished; it is built again.`);
      await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
    }
    await client.query(statement);
  }
}

/** Undefined where there is no such index. */
async function isValid(client: pg.Client, index: string): Promise<boolean | undefined> {
  const { rows } = await client.query<{ indisvalid: boolean }>('SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)', [index]);
  return rows[0]?.indisvalid;
}

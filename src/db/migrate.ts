/**
 * Applies the migrations: SQL files in the order of their names, each in a transaction of its own, once. One that makes an index CONCURRENTLY, so that nobody waits while a large table is read, runs
 * statement by statement instead; each of its statements must be fit to run again after one behind it failed.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { messageOf, pause } from '../core/values.ts';
import { LOCK, LOCK_CLASS } from './locks.ts';
import type { Log } from './log.ts';

export const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface Migration {
  name: string;
  text: string;
  checksum: string;
}

interface Applied {
  name: string;
  checksum: string;
}

export interface MigrateOptions {
  log: Log;
  folder?: string;
}

/** Longest wait for a table lock: while we wait, everybody else waits behind us. */
const LOCK_TIMEOUT = '30s';

/** Where it is written down what was applied. */
export const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)`;

/**
 * Brings the database up to date. Processes that start together wait for one another.
 * @returns names of the files that were applied now
 * @throws Error when a file was changed after it was applied, or fails
 */
export async function migrate(url: string, { log, folder = MIGRATIONS }: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ connectionString: url, application_name: 'sca-portal migrate', connectionTimeoutMillis: 5_000 });
  client.on('error', error => { log.warn(`The database connection of the migrations broke: ${error.message}`); });
  await client.connect();
  try {
    await waitForTurn(client);
    await client.query(MIGRATIONS_TABLE);
    const { rows } = await client.query<Applied>('SELECT name, checksum FROM schema_migrations');
    const open = openMigrations(migrations, rows, log);
    for (const migration of open) await apply(client, migration);
    return open.map(({ name }) => name);
  } finally {
    await client.end(); // which lets go of the lock
  }
}

const TURN_MS = 100;

/** Asks again and again: whoever waits for a lock inside of a statement keeps indexes that are made concurrently waiting, which wait for all statements. */
async function waitForTurn(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows: [row] } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS mine', [LOCK_CLASS, LOCK.migrations]);
    if (row?.mine === true) return;
    await pause(TURN_MS);
  }
}

/** Names of the files that the database lacks; for readiness. */
export async function pendingMigrations<Schema>(db: Kysely<Schema>, folder: string = MIGRATIONS): Promise<string[]> {
  const names = await migrationNames(folder);
  const { rows: [table] } = await sql<{ found: boolean }>`SELECT to_regclass('schema_migrations') IS NOT NULL AS found`.execute(db);
  if (table?.found !== true) return names;
  const { rows } = await sql<{ name: string }>`SELECT name FROM schema_migrations`.execute(db);
  const applied = new Set(rows.map(({ name }) => name));
  return names.filter(name => !applied.has(name));
}

async function migrationNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter(name => /^\d{4}_\w+\.sql$/.test(name)).sort();
}

/** By name, which is their order. */
export async function readMigrations(folder: string = MIGRATIONS): Promise<Migration[]> {
  return Promise.all((await migrationNames(folder)).map(async name => {
    const text = (await readFile(join(folder, name), 'utf8')).replaceAll('\r\n', '\n'); // a checkout may change line ends
    return { name, text, checksum: createHash('sha256').update(text).digest('hex') };
  }));
}

/** Those that are not applied yet. A name that we do not know is a newer portal's: old and new run side by side for a while. */
function openMigrations(migrations: readonly Migration[], applied: readonly Applied[], log: Log): Migration[] {
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]));
  for (const { name, checksum } of migrations) {
    const before = checksums.get(name);
    if (before !== undefined && before !== checksum) throw new Error(`Migration ${name} was changed after it was applied to this database: restore the file and put the change into a new one.`);
  }
  const known = new Set(migrations.map(({ name }) => name));
  const newer = applied.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (newer.length > 0) log.warn(`The database has migrations that this version does not know: ${newer.sort().join(', ')}. A newer portal made them.`);
  return migrations.filter(({ name }) => !checksums.has(name));
}

const CONCURRENTLY = /\bINDEX CONCURRENTLY\b/g;

async function apply(client: pg.Client, { name, text, checksum }: Migration): Promise<void> {
  try {
    if (text.search(CONCURRENTLY) >= 0) {
      await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'; SET statement_timeout = 0`);
      for (const statement of text.split(/;[^\S\n]*\n/)) if (statement.replaceAll(/--.*/g, '').trim() !== '') await client.query(statement);
      await client.query(`RESET lock_timeout; RESET statement_timeout`);
      await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [name, checksum]);
      return;
    }
    await client.query(`BEGIN; SET LOCAL lock_timeout = '${LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0`);
    await runMigration(client, { name, text, checksum });
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw new Error(`Migration ${name} failed${place(error, text)}: ${messageOf(error)}`, { cause: error });
  }
}

/** In the caller's transaction, where no index can be made concurrently; nor is anybody kept waiting there. */
export async function runMigration(client: pg.Client, { name, text, checksum }: Migration): Promise<void> {
  await client.query(text.replaceAll(CONCURRENTLY, 'INDEX'));
  await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [name, checksum]);
}

/** PostgreSQL gives the position of a fault as a count of characters. */
function place(error: unknown, text: string): string {
  const position = error instanceof pg.DatabaseError ? Number(error.position ?? 0) : 0;
  return position > 0 ? ` in line ${text.slice(0, position).split('\n').length}` : '';
}

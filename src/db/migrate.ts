/**
 * Applies the migrations: SQL files in the order of their names, once, each in a transaction of its own but for those of migrate-concurrently.ts. Other
 * processes, of this release and of the one before, work on meanwhile: no lock is waited for longer than they can bear to wait behind us.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { messageOf, pause } from '../core/values.ts';
import { isLockConflict, LOCK, LOCK_CLASS } from './locks.ts';
import type { Log } from './log.ts';
import { buildConcurrently, isConcurrent, withoutConcurrently } from './migrate-concurrently.ts';

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
  /** How long one migration is tried, in milliseconds, while others hold what it needs. */
  patienceMs?: number;
}

/** Longest wait for a table lock, in milliseconds: while we wait, everybody else waits behind us. */
const LOCK_TIMEOUT = 2_000;
const PATIENCE = 600_000;
/** Between two tries, while which the others get on with their work. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8_000;
const POLL = 200;
const NOTICE = 5_000;

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
export async function migrate(url: string, { log, folder = MIGRATIONS, patienceMs = PATIENCE }: MigrateOptions): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ connectionString: url, application_name: 'sca-portal migrate', connectionTimeoutMillis: 5_000 });
  client.on('error', error => { log.warn(`The database connection of the migrations broke: ${error.message}`); });
  await client.connect().catch((error: unknown) => {
    throw new Error(`The database '${client.database ?? ''}' at ${client.host}:${client.port} lets nobody in: ${messageOf(error)}. Is it up, and are address, user, password and database in DATABASE_URL (and DATABASE_SESSION_URL, where that is set) right?`, { cause: error });
  });
  try {
    await takeTurn(client, log);
    await client.query(MIGRATIONS_TABLE);
    const { rows } = await client.query<Applied>('SELECT name, checksum FROM schema_migrations');
    const open = openMigrations(migrations, rows, log);
    for (const migration of open) await apply(client, migration, { log, patienceMs });
    return open.map(({ name }) => name);
  } finally {
    await client.end(); // which lets go of the lock
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

/** Asks again and again: a statement that waits would be an open transaction, for whose end an index that is built concurrently waits in turn. */
async function takeTurn(client: pg.Client, log: Log): Promise<void> {
  for (let notice = Date.now() + NOTICE; ; await pause(POLL)) {
    const { rows: [row] } = await client.query<{ mine: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS mine', [LOCK_CLASS, LOCK.migrations]);
    if (row?.mine === true) return;
    if (Date.now() < notice) continue;
    log.info('Another process applies migrations; waiting for it ...');
    notice = Number.POSITIVE_INFINITY;
  }
}

async function apply(client: pg.Client, migration: Migration, { log, patienceMs }: { log: Log; patienceMs: number }): Promise<void> {
  const { name, text } = migration;
  const end = Date.now() + patienceMs;
  for (let wait = FIRST_PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    try {
      return await (isConcurrent(name) ? applyConcurrently(client, migration, log) : applyAtOnce(client, migration));
    } catch (error) {
      if (!isLockConflict(error) || Date.now() + wait > end) throw new Error(`Migration ${name} failed${place(error, text)}: ${messageOf(error)}`, { cause: error });
      log.warn(`Migration ${name} did not get its locks within ${LOCK_TIMEOUT} ms; it lets the others pass, and is tried again in ${wait} ms.`);
      await pause(wait);
    }
  }
}

async function applyAtOnce(client: pg.Client, migration: Migration): Promise<void> {
  try {
    await client.query(`BEGIN; SET LOCAL lock_timeout = ${LOCK_TIMEOUT}; SET LOCAL statement_timeout = 0`);
    await runMigration(client, migration);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function applyConcurrently(client: pg.Client, migration: Migration, log: Log): Promise<void> {
  await buildConcurrently(client, migration, log);
  await note(client, migration);
}

/** In the caller's transaction. */
export async function runMigration(client: pg.Client, migration: Migration): Promise<void> {
  const { name, text } = migration;
  await client.query(isConcurrent(name) ? withoutConcurrently(text) : text);
  await note(client, migration);
}

async function note(client: pg.Client, { name, checksum }: Migration): Promise<void> {
  await client.query('INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)', [name, checksum]);
}

/** PostgreSQL gives the position of a fault as a count of characters. */
function place(error: unknown, text: string): string {
  const position = error instanceof pg.DatabaseError ? Number(error.position ?? 0) : 0;
  return position > 0 ? ` in line ${text.slice(0, position).split('\n').length}` : '';
}

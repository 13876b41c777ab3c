/** The pool and the migrations against a real server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { openDatabase, type Tx } from '../../src/db/connect.ts';
import { migrate, pendingMigrations } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { createTestDatabase } from '../support/database.ts';
import { quietLog as log } from '../support/server.ts';
import { atEnd, suite } from '../support/suite.ts';

const { url, db, pool } = await createTestDatabase();

const connection = suite('database connection');

connection('reads times, numbers, arrays and JSON as generated/db.ts says', async () => {
  const { rows } = await sql`SELECT timestamptz '2026-01-02 03:04:05.6+00' AS time, ARRAY[timestamptz '2026-01-02 03:04:05+00', NULL] AS times,
    count(*) AS count, 1.5::numeric AS price, ARRAY[1, 2]::bigint[] AS counts, '{"a":[1]}'::jsonb AS json, '\\x0102'::bytea AS bytes, date '2026-01-02' AS day`.execute(db);
  assert.equal(rows, [{
    time: '2026-01-02T03:04:05.600Z', times: ['2026-01-02T03:04:05.000Z', null],
    count: 1, price: 1.5, counts: [1, 2], json: { a: [1] }, bytes: Buffer.from([1, 2]), day: '2026-01-02',
  }]);
});

connection('prepares a statement that comes again, and only that', async () => {
  const prepared = async (): Promise<number> => (await sql<{ n: number }>`SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE 'SELECT%marker%'`.execute(one)).rows[0]?.n ?? -1;
  const { db: one, close } = openDatabase(url, { max: 1, applicationName: 'test', log });
  const ask = (value: number): Promise<unknown> => sql`SELECT ${value}::int AS marker`.execute(one);
  await ask(1);
  assert.is(await prepared(), 0);
  await ask(2);
  await ask(3);
  assert.is(await prepared(), 1);
  await close();
});

connection('goes on when a table changes under a prepared statement', async () => {
  await pool.query('CREATE TABLE changing (a int)');
  const ask = (): Promise<{ rows: unknown[] }> => sql`SELECT * FROM changing WHERE a = ${1}`.execute(one);
  const { db: one, close } = openDatabase(url, { max: 1, applicationName: 'test', log });
  for (let i = 0; i < 8; i += 1) await ask();
  await pool.query('ALTER TABLE changing ADD COLUMN b int DEFAULT 2');
  await pool.query('INSERT INTO changing VALUES (1)');
  assert.equal((await ask()).rows, [{ a: 1, b: 2 }]);
  assert.equal((await ask()).rows, [{ a: 1, b: 2 }]);
  await close();
});

connection('does a transaction again in which a table had changed under a prepared statement', async () => {
  await pool.query('CREATE TABLE changing_too (a int)');
  const { db: one, close } = openDatabase(url, { max: 1, applicationName: 'test', log });
  const ask = (): Promise<unknown[]> => inTransaction(one, async tx => (await sql`SELECT * FROM changing_too WHERE a = ${1}`.execute(tx)).rows);
  for (let i = 0; i < 8; i += 1) await ask();
  await pool.query('ALTER TABLE changing_too ADD COLUMN b int DEFAULT 2');
  await pool.query('INSERT INTO changing_too VALUES (1)');
  assert.equal(await ask(), [{ a: 1, b: 2 }]);
  await close();
});

connection('runs a statement again that has lost a deadlock', async () => {
  await pool.query('CREATE TABLE first (a int); CREATE TABLE second (a int); INSERT INTO second VALUES (2)');
  const held = await pool.connect();
  await held.query('BEGIN; LOCK TABLE second');
  const rows = sql<{ a: number }>`SELECT s.a FROM first f RIGHT JOIN second s ON s.a = f.a WHERE s.a > ${0}`.execute(db).then(result => result.rows); // waits for `second`
  while ((await pool.query("SELECT 1 FROM pg_locks WHERE relation = 'second'::regclass AND NOT granted")).rowCount === 0);
  await held.query('LOCK TABLE first'); // which the other has: it waited longer, and is the one that PostgreSQL ends
  await held.query('COMMIT');
  held.release();
  assert.equal(await rows, [{ a: 2 }]);
});

connection('takes a transaction within a transaction for a part of it, which is undone where it throws', async () => {
  await pool.query('CREATE TABLE parts (a int PRIMARY KEY)');
  const put = (a: number) => (tx: Tx): Promise<unknown> => sql`INSERT INTO parts VALUES (${a})`.execute(tx);
  await inTransaction(db, async tx => {
    await put(1)(tx);
    assert.match(String(await inTransaction(tx, async part => { await put(2)(part); await put(1)(part); }).catch((error: unknown) => error)), /duplicate key/);
    await inTransaction(tx, async part => { await put(3)(part); await inTransaction(part, put(4)); });
  });
  assert.equal((await pool.query('SELECT a FROM parts ORDER BY a')).rows, [{ a: 1 }, { a: 3 }, { a: 4 }]);
});

connection('survives the loss of its connections, idle, in use and between two queries of a transaction', async () => {
  const warnings: string[] = [];
  const lost = Promise.withResolvers<undefined>();
  const { db: fragile, pool: victims, close } = openDatabase(url, { max: 3, applicationName: 'fragile', log: { ...log, warn: message => { warnings.push(message); lost.resolve(undefined); } } });
  const kill = (): Promise<unknown> => pool.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'fragile'");
  await victims.query('SELECT 1');
  await kill();
  await lost.promise;
  assert.match(warnings.join(), 'An idle database connection broke');
  const error = await fragile.transaction().execute(async tx => {
    await sql`SELECT 1`.execute(tx);
    await kill();
    await sql`SELECT 1`.execute(tx);
  }).then(() => undefined, (thrown: unknown) => thrown);
  assert.instance(error, Error);
  const inUse = sql`SELECT pg_sleep(20)`.execute(fragile).then(() => undefined, (thrown: unknown) => thrown);
  while ((await pool.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'fragile' AND query LIKE '%pg_sleep(20)%' AND state = 'active'")).rowCount === 0);
  await kill();
  assert.instance(await inUse, Error);
  // At most one query more meets a connection whose end has not been noticed yet.
  const after = (): Promise<unknown[]> => sql`SELECT 1 AS one`.execute(fragile).then(({ rows }) => rows);
  assert.equal(await after().catch(() => after()), [{ one: 1 }]);
  await close();
});

connection('limits the time of a statement', async () => {
  const { db: hasty, close } = openDatabase(url, { max: 1, applicationName: 'test', log, statementTimeout: 50 });
  const error = await sql`SELECT pg_sleep(20)`.execute(hasty).then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof pg.DatabaseError && error.code === '57014');
  await close();
});

connection('does without named statements and session settings behind a pooler', async () => {
  const { db: pooled, close } = openDatabase(url, { max: 1, applicationName: 'test', log, prepare: false });
  for (let i = 0; i < 3; i += 1) await sql`SELECT ${i}::int`.execute(pooled);
  assert.equal((await sql`SELECT count(*) AS n, current_setting('statement_timeout') AS t FROM pg_prepared_statements`.execute(pooled)).rows, [{ n: 0, t: '0' }]);
  await close();
});

const migrations = suite('migrations');

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  atEnd(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/** A database that has had no migrations. */
async function emptyDatabase(): Promise<{ url: string; query: (text: string) => Promise<unknown[]> }> {
  const { pool: own, url: ownUrl } = await createTestDatabase({ max: 1 });
  await own.query('DROP SCHEMA public CASCADE');
  await own.query('CREATE SCHEMA public');
  return { url: ownUrl, query: async text => (await own.query<Record<string, unknown>>(text)).rows };
}

const failure = (work: Promise<unknown>): Promise<string> => work.then(() => 'no error', (error: unknown) => String(error));

migrations('all of ours are applied in the template', async () => {
  assert.equal(await pendingMigrations(db), []);
});

migrations('are applied in order of name, once, also by processes that start together', async () => {
  const { url: fresh, query } = await emptyDatabase();
  const folder = await folderWith({ '0002_b.sql': 'INSERT INTO log VALUES (2); INSERT INTO log VALUES (3)', '0001_a.sql': 'CREATE TABLE log (n int)', 'README.md': 'no migration' });
  const { db: view, close } = openDatabase(fresh, { max: 1, applicationName: 'test', log });
  assert.equal(await pendingMigrations(view, folder), ['0001_a.sql', '0002_b.sql']);
  const applied = await Promise.all([migrate(fresh, { log, folder }), migrate(fresh, { log, folder })]);
  assert.equal(applied.flat(), ['0001_a.sql', '0002_b.sql']);
  assert.equal(await query('SELECT n FROM log ORDER BY n'), [{ n: 2 }, { n: 3 }]);
  assert.equal(await pendingMigrations(view, folder), []);
  await close();
});

migrations('one that fails leaves nothing of itself, and its place is named', async () => {
  const { url: fresh, query } = await emptyDatabase();
  const folder = await folderWith({ '0001_a.sql': 'CREATE TABLE kept ()', '0002_b.sql': 'CREATE TABLE lost ();\n\nSELEC 1;' });
  assert.match(await failure(migrate(fresh, { log, folder })), /Migration 0002_b\.sql failed in line 3: syntax error/);
  assert.equal(await query("SELECT to_regclass('kept') IS NOT NULL AS kept, to_regclass('lost') IS NOT NULL AS lost"), [{ kept: true, lost: false }]);
});

migrations('one that was changed after it was applied is refused', async () => {
  const { url: fresh } = await emptyDatabase();
  await migrate(fresh, { log, folder: await folderWith({ '0001_a.sql': 'SELECT 1' }) });
  assert.match(await failure(migrate(fresh, { log, folder: await folderWith({ '0001_a.sql': 'SELECT 2' }) })), /0001_a\.sql was changed after it was applied/);
});

migrations('one that only a newer portal knows is mentioned, no more', async () => {
  const { url: fresh } = await emptyDatabase();
  await migrate(fresh, { log, folder: await folderWith({ '0001_a.sql': 'SELECT 1', '0002_b.sql': 'SELECT 2' }) });
  const warnings: string[] = [];
  const applied = await migrate(fresh, { log: { ...log, warn: message => { warnings.push(message); } }, folder: await folderWith({ '0001_a.sql': 'SELECT 1' }) });
  assert.equal(applied, []);
  assert.match(warnings.join(), /does not know: 0002_b\.sql/);
});

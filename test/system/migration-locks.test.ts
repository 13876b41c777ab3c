/** Migrations come while others work: they wait for nobody for long, and build indexes of large tables beside them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { pause } from '../../src/core/values.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { quietLog as log } from '../support/server.ts';
import { atEnd, suite } from '../support/suite.ts';

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'migrations-'));
  atEnd(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return folder;
}

/** A database without migrations, but for a table of 300,000 rows. */
async function bigDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  await database.pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE big AS SELECT n AS a FROM generate_series(1, 300000) n');
  return database;
}

/** A session with an open transaction that has read the table, as a long report has. */
async function longReader(url: string): Promise<pg.Client> {
  const reader = new pg.Client({ connectionString: url });
  await reader.connect();
  atEnd(() => reader.end());
  await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await reader.query('SELECT count(*) FROM big');
  return reader;
}

const locks = suite('a migration that meets a long reader');
locks('lets the others pass after two seconds, tries again, and succeeds when the reader is done', async () => {
  const { url, pool } = await bigDatabase();
  const folder = await folderWith({ '0001_a.sql': 'ALTER TABLE big ADD COLUMN b int' });
  const reader = await longReader(url);
  const warnings: string[] = [];
  const migrated = migrate(url, { log: { ...log, warn: (message) => void warnings.push(message) }, folder });
  const state = { on: true, slowest: 0, requests: 0 };
  const others = async (): Promise<void> => {
    while (state.on) {
      const begin = performance.now();
      await pool.query('SELECT a FROM big LIMIT 1');
      state.slowest = Math.max(state.slowest, performance.now() - begin);
      state.requests += 1;
      await pause(10);
    }
  };
  const all = Promise.all([others(), others()]);
  while (warnings.length < 2) await pause(20);
  assert.match(warnings[0] ?? '', /0001_a\.sql did not get its locks within 2000 ms/);
  await reader.query('COMMIT');
  assert.equal(await migrated, ['0001_a.sql']);
  state.on = false;
  await all;
  assert.ok(state.slowest < 4_000, `a request waited ${state.slowest.toFixed(0)} ms`);
  assert.ok(state.requests > 20, `${state.requests} requests`);
});
locks('is given up when its patience ends, with nothing of it left', async () => {
  const { url, pool } = await bigDatabase();
  await longReader(url);
  const folder = await folderWith({ '0001_a.sql': 'CREATE TABLE own (); ALTER TABLE big ADD COLUMN b int' });
  const failure = await migrate(url, { log: { ...log, warn: () => undefined }, folder, patienceMs: 100 }).then(() => '', String);
  assert.match(failure, /0001_a\.sql failed.*lock timeout/);
  assert.equal((await pool.query("SELECT to_regclass('own') AS own")).rows, [{ own: null }]);
});

const indexes = suite('an index that is built concurrently');
const FILES = { '0001_big_concurrently.sql': '-- Found by a.\nCREATE INDEX CONCURRENTLY IF NOT EXISTS big_a_idx\n  ON big (a);\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS big_b_idx ON big ((a + 1));', '0002_next.sql': 'CREATE TABLE next ()' };

/** Indexes of the table, and whether each is finished. */
async function indexesOf({ pool }: TestDatabase): Promise<Record<string, boolean>> {
  const { rows } = await pool.query<{ name: string; valid: boolean }>("SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index WHERE indrelid = to_regclass('big') ORDER BY 1");
  return Object.fromEntries(rows.map(({ name, valid }) => [name, valid]));
}
const appearsIn = async (database: TestDatabase, index: string): Promise<void> => {
  while ((await indexesOf(database))[index] === undefined) await pause(20);
};

indexes('keeps no writer out, and processes that start meanwhile wait without being in its way', async () => {
  const database = await bigDatabase();
  const reader = await longReader(database.url);
  const folder = await folderWith(FILES);
  const both = [migrate(database.url, { log, folder }), migrate(database.url, { log, folder })];
  await appearsIn(database, 'big_a_idx');
  await database.pool.query('INSERT INTO big VALUES (300001)');
  await database.pool.query('UPDATE big SET a = a WHERE a = 300001');
  await reader.query('COMMIT');
  assert.equal((await Promise.all(both)).flat(), Object.keys(FILES));
  assert.equal(await indexesOf(database), { big_a_idx: true, big_b_idx: true });
});
indexes('is dropped and built again where the server broke it off', async () => {
  const database = await bigDatabase();
  const reader = await longReader(database.url);
  const folder = await folderWith(FILES);
  const warnings: string[] = [];
  const broken = migrate(database.url, { log: { ...log, warn: () => undefined }, folder }).then(() => '', String);
  await appearsIn(database, 'big_a_idx');
  await database.pool.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sca-portal migrate' AND datname = current_database()");
  assert.match(await broken, /terminat/);
  assert.equal(await indexesOf(database), { big_a_idx: false });
  await reader.query('COMMIT');
  assert.equal(await migrate(database.url, { log: { ...log, warn: (message) => void warnings.push(message) }, folder }), Object.keys(FILES));
  assert.equal(warnings, ['The index big_a_idx was not finished; it is built again.']);
  assert.equal(await indexesOf(database), { big_a_idx: true, big_b_idx: true });
});
indexes('is gone on with by another process when its own was killed', async () => {
  const database = await bigDatabase();
  const reader = await longReader(database.url);
  const folder = await folderWith(FILES);
  const script = `import(${JSON.stringify(new URL('../../src/db/migrate.ts', import.meta.url).href)}).then(({ migrate }) => migrate(${JSON.stringify(database.url)}, { log: console, folder: ${JSON.stringify(folder)} }))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  atEnd(() => child.kill('SIGKILL'));
  await appearsIn(database, 'big_a_idx');
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  const next = migrate(database.url, { log, folder }); // the server has not noticed, and builds on; this one waits for its turn
  await pause(500);
  await reader.query('COMMIT');
  assert.equal(await next, Object.keys(FILES));
  assert.equal(await indexesOf(database), { big_a_idx: true, big_b_idx: true });
});
indexes('stands alone in its file', async () => {
  const { url } = await bigDatabase();
  const failure = await migrate(url, { log, folder: await folderWith({ '0001_a_concurrently.sql': 'ALTER TABLE big ADD COLUMN b int' }) }).then(() => '', String);
  assert.match(failure, /only CREATE INDEX CONCURRENTLY .* not: ALTER TABLE big/);
});

/** The embedded database: made once, found again, shared by several processes, stopped by the last. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { openEmbedded, removeDataFolder } from '../../src/db/embedded.ts';
import { findBinaries } from '../../src/db/embedded/binaries.ts';
import { createDataFolder, findServer } from '../support/data-folder.ts';
import { quietLog as log } from '../support/server.ts';
import { suite } from '../support/suite.ts';

const test = suite('embedded database');
const isRoot = process.getuid?.() === 0;

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text).finally(() => client.end());
  return rows;
}

test('keeps its data, port and password over a stop and a start', async () => {
  const dataDir = await createDataFolder();
  const first = await openEmbedded({ dataDir, log });
  assert.ok(first.started);
  await query(first.url, 'CREATE TABLE kept (note text)');
  await query(first.url, "INSERT INTO kept VALUES ('here')");
  assert.ok(await first.stop(10_000), 'the only user stops the server');
  assert.is(await findServer(dataDir), undefined);

  const second = await openEmbedded({ dataDir, log });
  assert.is(second.url, first.url);
  assert.equal(await query(second.url, 'SELECT note FROM kept'), [{ note: 'here' }]);
  await second.stop(10_000);
});

test('listens on the loopback address alone, with passwords that only the owner can read', async () => {
  const dataDir = await createDataFolder();
  const embedded = await openEmbedded({ dataDir, log });
  assert.equal(await query(embedded.url, "SELECT current_setting('listen_addresses') AS a, current_setting('unix_socket_directories') AS s"), [{ a: '127.0.0.1', s: '' }]);
  assert.is((await stat(join(dataDir, 'postgres', 'access.json'))).mode & 0o777, 0o600);
  const wrong = new URL(embedded.url);
  wrong.password = 'wrong';
  await query(wrong.href, 'SELECT 1').then(() => assert.unreachable(), (error: unknown) => { assert.match(String(error), 'password authentication failed'); });
  await embedded.stop(10_000);
});

test('gives the portal a role that is no superuser, and sorts by code point', async () => {
  const dataDir = await createDataFolder();
  const embedded = await openEmbedded({ dataDir, log });
  assert.equal(await query(embedded.url, 'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user'), [{ super: false }]);
  assert.equal(await query(embedded.url, "SELECT string_agg(x, '' ORDER BY x) AS sorted FROM unnest(ARRAY['b', 'é', 'a', 'B']) AS x"), [{ sorted: 'Babé' }]);
  await query(embedded.url, 'CREATE EXTENSION pg_trgm');
  await embedded.stop(10_000);
});

test('is made once when two processes start at the same time, and stopped by the last of them', async () => {
  const dataDir = await createDataFolder();
  const both = await Promise.all([openEmbedded({ dataDir, log }), openEmbedded({ dataDir, log })]);
  const [one, other] = both;
  assert.is(one.url, other.url);
  assert.equal(both.map(({ started }) => started).sort(), [false, true]);
  assert.equal((await readdir(dataDir)).sort(), ['postgres', 'postgres.log'], 'no draft is left');
  assert.not(await one.stop(10_000), 'the other one uses it');
  assert.equal(await query(other.url, 'SELECT 1 AS one'), [{ one: 1 }]);
  assert.ok(await other.stop(10_000));
});

test('takes another port when the usual one is in use', async () => {
  const [dataDir, blocking] = await Promise.all([createDataFolder(), createDataFolder()]);
  const first = await openEmbedded({ dataDir, log });
  await first.stop(10_000);
  const blocker = await openEmbedded({ dataDir: blocking, log });
  const file = join(dataDir, 'postgres', 'access.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace(new URL(first.url).port, new URL(blocker.url).port));
  const second = await openEmbedded({ dataDir, log });
  assert.is.not(new URL(second.url).port, new URL(blocker.url).port);
  assert.match(await readFile(file, 'utf8'), new URL(second.url).port);
  assert.ok(await second.stop(10_000) && await blocker.stop(10_000));
});

// Only root hands the server to another user.
(isRoot ? test : test.skip)('stands elsewhere when its user cannot enter the data folder', async () => {
  const closed = await createDataFolder();
  const dataDir = join(closed, 'below');
  await mkdir(dataDir);
  const messages: string[] = [];
  const embedded = await openEmbedded({ dataDir, log: { ...log, warn: message => { messages.push(message); } } });
  try {
    assert.match(messages.join(), /the database stands in \/var\/lib\/sca-portal\//);
    assert.is((await stat(closed)).mode & 0o777, 0o700, 'a folder that is not ours keeps its mode');
    assert.equal(await query(embedded.url, 'SELECT 1 AS one'), [{ one: 1 }]);
  } finally {
    await embedded.stop(10_000);
  }
  const again = await openEmbedded({ dataDir, log });
  assert.is(again.url, embedded.url);
  await again.stop(10_000);
  const place = messages.join().replace(/^.* stands in /, '').replace(/\.$/, '');
  await removeDataFolder(dataDir);
  assert.not(existsSync(place));
});

test('says what to do where there is no PostgreSQL for the platform', async () => {
  await findBinaries('plan9', 'mips').then(() => assert.unreachable(), (error: unknown) => { assert.match(String(error), /no embedded PostgreSQL for plan9-mips.*set DATABASE_URL/); });
});

test('does not start over a folder that it may not read as its own', async () => {
  const dataDir = await createDataFolder();
  await (await openEmbedded({ dataDir, log })).stop(10_000);
  await writeFile(join(dataDir, 'postgres', 'access.json'), '{}');
  await openEmbedded({ dataDir, log }).then(() => assert.unreachable(), (error: unknown) => { assert.match(String(error), /access\.json is damaged/); });
});

test('shows the end of its log when it does not start', async () => {
  const dataDir = await createDataFolder();
  await openEmbedded({ dataDir, log, settings: { shared_buffers: 'much' } }).then(() => assert.unreachable(), (error: unknown) => {
    assert.match(String(error), /PostgreSQL does not start[^]*invalid value for parameter "shared_buffers"/);
  });
});

/** The embedded database after things were killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/db/connect.ts';
import { holdPortal, openEmbedded } from '../../src/db/embedded.ts';
import { isAlive } from '../../src/db/embedded/postmaster.ts';
import { createDataFolder, findServer } from '../support/data-folder.ts';
import { quietLog as log } from '../support/server.ts';
import { atEnd, suite } from '../support/suite.ts';

const test = suite('embedded database after a crash');
const PROGRAM = fileURLToPath(new URL('../support/embedded-process.ts', import.meta.url));

/** A portal-like process; resolves when it holds the database, or with what it wrote before it ended. */
async function startProcess(dataDir: string): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [PROGRAM, dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  atEnd(() => { child.kill('SIGKILL'); });
  const errors: string[] = [];
  createInterface(child.stderr).on('line', text => errors.push(text));
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    once(child, 'close').then(() => errors.join('\n')),
  ]);
  return { child, line };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** Waits for a fact that no event tells. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!await what()) {
    if (Date.now() > limit) throw new Error('did not happen within 20 s');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text).finally(() => client.end());
  return rows;
}

async function serverOf(dataDir: string): Promise<number> {
  const server = await findServer(dataDir);
  assert.ok(server, 'a server runs');
  return server.pid;
}

test('a killed portal leaves a server, which the next one adopts and stops', async () => {
  const dataDir = await createDataFolder();
  const { child, line } = await startProcess(dataDir);
  assert.match(line, '"started":true');
  const postmaster = await serverOf(dataDir);
  await end(child, 'SIGKILL');
  assert.ok(isAlive(postmaster));

  const next = await openEmbedded({ dataDir, log });
  assert.not(next.started);
  assert.is(await serverOf(dataDir), postmaster);
  const hold = await holdPortal(next.url, 'http://127.0.0.1:1', log);
  await hold.release();
  assert.ok(await next.stop(10_000));
  assert.is(await findServer(dataDir), undefined);
});

test('a second portal is told who has the data folder, and leaves the server alone', async () => {
  const dataDir = await createDataFolder();
  const first = await startProcess(dataDir);
  const second = await startProcess(dataDir);
  assert.match(second.line, new RegExp(`already in use by a portal with process ${first.child.pid} at http://127.0.0.1:8080, started \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ; stop it or choose another DATA_DIR`));
  assert.ok(await findServer(dataDir));
  await end(first.child, 'SIGTERM');
  assert.is(await findServer(dataDir), undefined);
});

test('a tool that started the server before the portal does not take it away from the portal', async () => {
  const dataDir = await createDataFolder();
  const tool = await openEmbedded({ dataDir, log });
  const portal = await startProcess(dataDir);
  assert.match(portal.line, '"started":false');
  assert.not(await tool.stop(10_000));
  assert.ok(await findServer(dataDir));
  await end(portal.child, 'SIGTERM');
  assert.is(await findServer(dataDir), undefined);
});

test('a server that is killed under a running portal comes back under the same address, with what was committed', async () => {
  const dataDir = await createDataFolder();
  const back = Promise.withResolvers<undefined>();
  const embedded = await openEmbedded({ dataDir, log: { ...log, info: message => { if (message.includes('started again')) back.resolve(undefined); } } });
  const hold = await holdPortal(embedded.url, 'http://127.0.0.1:1', log);
  const { pool, close } = openDatabase(embedded.url, { max: 2, applicationName: 'test', log });
  await pool.query('CREATE TABLE kept (note text)');
  await pool.query("INSERT INTO kept VALUES ('here')");
  const before = await serverOf(dataDir);
  process.kill(before, 'SIGKILL');
  await back.promise;
  assert.is.not(await serverOf(dataDir), before);
  await until(() => pool.query('SELECT note FROM kept').then(({ rowCount }) => rowCount === 1, () => false));
  await until(() => holdPortal(embedded.url, 'http://127.0.0.1:2', log).then(async second => { await second.release(); return false; }, (error: unknown) => String(error).includes('already in use')));
  await close();
  await hold.release();
  assert.ok(await embedded.stop(10_000));
});

test('a killed session makes the server restart its sessions, and the portal stays', async () => {
  const dataDir = await createDataFolder();
  const back = Promise.withResolvers<undefined>();
  const embedded = await openEmbedded({ dataDir, log: { ...log, info: message => { if (message.endsWith('is back.')) back.resolve(undefined); } } });
  const postmaster = await serverOf(dataDir);
  const victim = new pg.Client({ connectionString: embedded.url });
  victim.on('error', () => undefined);
  await victim.connect();
  const { rows: [row] } = await victim.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  assert.ok(row);
  process.kill(row.pid, 'SIGKILL');
  await back.promise;
  assert.is(await serverOf(dataDir), postmaster);
  await embedded.stop(10_000);
});

test('a start after portal and server were killed, one session being busy, recovers', async () => {
  const dataDir = await createDataFolder();
  const { child, line } = await startProcess(dataDir);
  const url = /"url":"([^"]+)"/.exec(line)?.[1] ?? '';
  await query(url, "CREATE TABLE kept AS SELECT 'here' AS note");
  const busy = new pg.Client({ connectionString: url });
  busy.on('error', () => undefined);
  await busy.connect();
  const work = busy.query('SELECT count(*) FROM generate_series(1, 8000000)').catch(() => undefined); // does not see its postmaster die
  const postmaster = await serverOf(dataDir);
  await end(child, 'SIGKILL');
  process.kill(postmaster, 'SIGKILL');
  const next = await openEmbedded({ dataDir, log });
  assert.ok(next.started);
  assert.equal(await query(next.url, 'SELECT note FROM kept'), [{ note: 'here' }]);
  await work;
  await busy.end().catch(() => undefined);
  assert.ok(await next.stop(10_000));
});

test('a postmaster.pid whose number belongs to another process now does not keep the server from starting', async () => {
  const dataDir = await createDataFolder();
  await (await openEmbedded({ dataDir, log })).stop(10_000);
  const other = spawn('sleep', ['60']);
  atEnd(() => { other.kill(); });
  await once(other, 'spawn');
  await writeFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), `${other.pid}\n/elsewhere\n1\n1\n\n127.0.0.1\n1 1\nready\n`);
  const next = await openEmbedded({ dataDir, log });
  assert.ok(next.started);
  await next.stop(10_000);
});

test('a first start that was killed half-way leaves nothing in the way, and its remains are cleared', async () => {
  const dataDir = await createDataFolder();
  const child = spawn(process.execPath, [PROGRAM, dataDir], { stdio: 'ignore' });
  await until(async () => (await readdir(dataDir)).some(name => name.startsWith('.postgres-')));
  await end(child, 'SIGKILL');
  await mkdir(join(dataDir, `.postgres-${child.pid}-older`), { recursive: true });
  const next = await openEmbedded({ dataDir, log });
  assert.equal((await readdir(dataDir)).sort(), ['postgres', 'postgres.log']);
  await next.stop(10_000);
});

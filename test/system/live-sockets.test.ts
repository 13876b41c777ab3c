/** Sockets of several processes: one limit for all, ends of tokens and rights, dead peers, and an api process killed under a hundred listeners. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import WebSocket from 'ws';
import { removeDataFolder } from '../../src/db/embedded.ts';
import { pause } from '../../src/core/values.ts';
import { loadConfig } from '../../src/config.ts';
import { startPortal } from '../../src/portal.ts';
import { ContractClient, member } from '../support/contract.ts';
import { authFrame, watch } from '../support/live.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { startPortalProcess } from '../support/portal-process.ts';
import { newProject, newUser, queuedScan } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';

const SECRET_KEY = 'a-master-key-that-all-processes-share';
const { portal, admin, anonymous, database } = await startTestPortal({ SECRET_KEY, WEBSOCKET_HEARTBEAT_SECONDS: '1' }, { api: true, worker: false });
const { db } = database;

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'sca-portal-live-'));
  atEnd(() => removeDataFolder(made));
  return made;
}

/** A socket that has had its first frame. */
async function open(url: string, scan: string, token: string | undefined): Promise<{ ended: ReturnType<typeof watch> }> {
  const shown = Promise.withResolvers<undefined>();
  const ended = watch(url, `/ws/scans/${scan}`, authFrame(token ?? ''), () => shown.resolve(undefined));
  await Promise.race([shown.promise, ended]);
  return { ended };
}
const endOf = async ({ ended }: { ended: ReturnType<typeof watch> }): Promise<string> => {
  const { code, reason } = await ended;
  return `${code} ${reason}`;
};

const live = suite('/ws/scans/{scan_id} over processes');
live('the fourth socket closes the oldest, whichever process holds it', async () => {
  const other = await startPortal(loadConfig({ PORT: '0', DATA_DIR: await folder(), DATABASE_URL: database.url, DATABASE_POOL_SIZE: '4', SECRET_KEY }), { api: true, worker: false }, pino({ level: 'silent' }));
  atEnd(() => other.stop());
  const user = await newUser(anonymous, database, 'developer');
  const scan = await queuedScan(database, await newProject(user.client));
  const [first, second] = [await open(portal.url, scan, user.client.token), await open(other.url, scan, user.client.token)];
  const sockets = [];
  for (const url of [portal.url, other.url, other.url]) sockets.push(await open(url, scan, user.client.token));
  assert.is(await endOf(first), '1001 newer_connection');
  assert.is(await endOf(second), '1001 newer_connection');
  const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM live_sockets WHERE user_id = ${user.id}`.execute(db);
  assert.is(rows[0]?.count, 3);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: scan } });
  for (const socket of sockets) assert.is(await endOf(socket), '1000 scan_finished');
});
live('a socket that goes while its rights are looked up is forgotten', async () => {
  const user = await newUser(anonymous, database, 'developer');
  const scan = await queuedScan(database, await newProject(user.client));
  await db.transaction().execute(async (tx) => {
    await sql`LOCK TABLE scans IN ACCESS EXCLUSIVE MODE`.execute(tx);
    const socket = new WebSocket(`${portal.url.replace('http', 'ws')}/ws/scans/${scan}`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(authFrame(user.client.token ?? ''));
    while ((await sql`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`.execute(tx)).rows.length === 0) await pause(20);
    socket.terminate();
    await pause(300); // for the portal to notice
  });
  await pause(2_500); // two heartbeats
  assert.equal((await sql`SELECT id FROM live_sockets WHERE user_id = ${user.id}`.execute(db)).rows, []);
});
live('sockets of a process that died do not count', async () => {
  const user = await newUser(anonymous, database, 'developer');
  const scan = await queuedScan(database, await newProject(user.client));
  const dead = crypto.randomUUID();
  await sql`INSERT INTO live_processes (id, seen_at) VALUES (${dead}, now() - interval '5 minutes')`.execute(db);
  for (let count = 0; count < 3; count += 1) await sql`INSERT INTO live_sockets (id, user_id, process_id, opened_at) VALUES (${crypto.randomUUID()}, ${user.id}, ${dead}, now())`.execute(db);
  const sockets = [];
  for (let count = 0; count < 3; count += 1) sockets.push(await open(portal.url, scan, user.client.token));
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: scan } });
  for (const socket of sockets) assert.is(await endOf(socket), '1000 scan_finished');
});
live('a socket ends with its token', async () => {
  const user = await newUser(anonymous, database, 'developer');
  const scan = await queuedScan(database, await newProject(user.client));
  const session = await sql<{ id: string }>`SELECT id FROM sessions WHERE user_id = ${user.id}`.execute(db);
  const token = await portal.services.tokens.issueAccess({ userId: user.id, sessionId: session.rows[0]?.id ?? '' }, -3); // still within the tolerance of five seconds
  assert.is(await endOf(await open(portal.url, scan, token)), '1008 token_expired');
});
live('a socket ends with its session, and with the right to see the scan', async () => {
  const user = await newUser(anonymous, database, 'developer');
  const scan = await queuedScan(database, await newProject(user.client));
  const first = await open(portal.url, scan, user.client.token);
  await sql`DELETE FROM memberships WHERE user_id = ${user.id}`.execute(db);
  assert.is(await endOf(first), '1008 forbidden');
  await sql`INSERT INTO memberships (user_id, team_id, role) VALUES (${user.id}, ${user.teamId}, 'developer')`.execute(db);
  while ((await user.client.call('getScan', { path: { id: scan } })).status !== 200); // processes hear of it from the database, within milliseconds
  const second = await open(portal.url, scan, user.client.token);
  await sql`UPDATE users SET is_active = false WHERE id = ${user.id}`.execute(db);
  assert.is(await endOf(second), '1008 auth_invalid');
});
live('whatever a client says after the first frame is passed over; what is too large closes', async () => {
  const scan = await queuedScan(database, await newProject(admin));
  const { code } = await new Promise<{ code: number }>((resolve, reject) => {
    const socket = new WebSocket(`${portal.url.replace(/^http/, 'ws')}/ws/scans/${scan}`);
    socket.on('open', () => socket.send(authFrame(admin.token ?? '')));
    socket.once('message', () => {
      for (const text of ['nonsense', '{}', authFrame('another')]) socket.send(text);
      socket.send('x'.repeat(9000));
    });
    socket.on('close', (given) => resolve({ code: given }));
    socket.on('error', reject);
  });
  assert.is(code, 1009);
});
live('a peer that does not answer pings is dropped, one that does stays', async () => {
  const scan = await queuedScan(database, await newProject(admin));
  const answering = await open(portal.url, scan, admin.token);
  const code = await new Promise<number>((resolve, reject) => {
    const socket = new WebSocket(`${portal.url.replace(/^http/, 'ws')}/ws/scans/${scan}`, { autoPong: false });
    socket.on('open', () => socket.send(authFrame(admin.token ?? '')));
    socket.on('close', resolve);
    socket.on('error', reject);
  });
  assert.is(code, 1006);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: scan } });
  assert.is(await endOf(answering), '1000 scan_finished');
});
live('a scan that is deleted under its listeners tells them', async () => {
  const project = await newProject(admin);
  const scan = await queuedScan(database, project);
  const socket = await open(portal.url, scan, admin.token);
  await sql`DELETE FROM projects WHERE id = ${project}`.execute(db);
  assert.is(await endOf(socket), '1008 not_found');
});

const kill = suite('an api process killed under 100 sockets');
kill('clients that connect again, to another one, all see the end', async () => {
  const environment = { DATABASE_URL: database.url, SECRET_KEY, ROLE: 'api', WEBSOCKET_MAX_CONNECTIONS_PER_USER: '100' };
  const [first, second] = [await startPortalProcess({ ...environment, DATA_DIR: await folder() }), await startPortalProcess({ ...environment, DATA_DIR: await folder() })];
  const client = await new ContractClient(first.url).signIn(ADMIN.email, ADMIN.password);
  const scan = await queuedScan(database, await newProject(client));
  let shown = 0;
  const all = Promise.withResolvers<undefined>();
  const follow = async (): Promise<string | undefined> => {
    let url = first.url;
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      const seen = await watch(url, `/ws/scans/${scan}`, authFrame(client.token ?? ''), () => {
        shown += 1;
        if (shown === 100) all.resolve(undefined);
      }).catch(() => null);
      if (seen?.code === 1000) return seen.frames.at(-1)?.step;
      url = url === first.url ? second.url : first.url;
      await pause(wait);
    }
  };
  const followers = Array.from({ length: 100 }, follow);
  await all.promise;
  await first.stop('SIGKILL');
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: scan } }); // while they are all on their way
  assert.equal([...new Set(await Promise.all(followers))], ['cancelled']);
  assert.is(member((await admin.expect(200, 'getScan', { path: { id: scan } })).body, 'status'), 'cancelled');
  await second.stop('SIGTERM');
}, { timeoutMs: 60_000 });

/** Workers that die or stop at every step of a scan: another one takes it, and the results are those of a scan that nothing disturbed. */
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { removeDataFolder } from '../../src/db/embedded.ts';
import { member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { startPortalProcess, type PortalProcess } from '../support/portal-process.ts';
import { newProject } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';

const SECRET_KEY = 'a-master-key-that-all-processes-share';
const STEPS = ['bootstrap', 'fetch', 'prep', 'cdxgen', 'license', 'vuln_match', 'finalize', 'publish'] as const;
const { portal, admin, database } = await startTestPortal({ SECRET_KEY, ALLOW_PRIVATE_ADDRESSES: '127.0.0.1', WEBSOCKET_MAX_CONNECTIONS_PER_USER: '50' }, { api: true, worker: false });
const { db } = database;

async function startWorker(): Promise<PortalProcess> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-worker-'));
  atEnd(() => removeDataFolder(folder));
  return startPortalProcess({ DATABASE_URL: database.url, DATA_DIR: folder, SECRET_KEY, ROLE: 'worker', SCAN_CONCURRENCY: '10', SCAN_CONCURRENCY_PER_TEAM: '10', ALLOW_PRIVATE_ADDRESSES: '127.0.0.1' });
}

const queue = async (project: string, ref: string, hold: string): Promise<string> =>
  String(member((await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM, { ref, metadata: JSON.stringify({ hold }) }) })).body, 'id'));
const lastStep = async (id: string) => (await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''))).frames.at(-1)?.step;

/** What a scan has published, without ids that differ by chance. */
async function published(id: string): Promise<unknown> {
  const { rows } = await sql`
    SELECT c.purl, sc.ordinal, sc.depends_on, sc.direct, sc.depth, sc.scope, sc.license_expression, sc.license_tier
    FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE sc.scan_id = ${id} ORDER BY sc.ordinal`.execute(db);
  return rows;
}

const kills = suite('a worker killed at any step');
kills('leaves its scans to another worker, which ends them with the same rows as if nothing had happened', async () => {
  const project = await newProject(admin);
  // The first run of a scan waits for a lock of ours before the step that its metadata names; `publish` is within the transaction that makes all visible.
  await sql`CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END $$`.execute(db);
  await sql`CREATE TRIGGER hold BEFORE UPDATE ON scans FOR EACH ROW
    WHEN (NEW.attempt = 1 AND NEW.metadata->>'hold' = CASE WHEN NEW.status = 'succeeded' THEN 'publish' ELSE NEW.current_step END AND NEW.status <> 'queued') EXECUTE FUNCTION hold()`.execute(db);
  const { firstWorker, scans } = await db.connection().execute(async (lock) => {
    await sql`SELECT pg_advisory_lock(4711)`.execute(lock);
    const worker = await startWorker();
    const queued = new Map<string, string>();
    for (const step of STEPS) queued.set(step, await queue(project, step, step));
    const held = async (): Promise<number> =>
      (await sql<{ count: number }>`SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted`.execute(lock)).rows[0]?.count ?? 0;
    while ((await held()) < STEPS.length) await new Promise((resolve) => setImmediate(resolve));
    await worker.stop('SIGKILL');
    await sql`SELECT pg_advisory_unlock(4711)`.execute(lock); // the dead worker's statements go on in the server, as they may
    return { firstWorker: worker, scans: queued };
  });
  assert.is(firstWorker.child.signalCode, 'SIGKILL');
  const second = await startWorker();
  const undisturbed = await queue(project, 'undisturbed', 'nothing');
  assert.is(await lastStep(undisturbed), 'succeeded');
  const expected = await published(undisturbed);
  for (const [step, id] of scans) {
    assert.is(await lastStep(id), 'succeeded', step);
    assert.equal(await published(id), expected, step);
    assert.is(member((await admin.expect(200, 'getScan', { path: { id } })).body, 'attempt'), 2, step);
  }
  const doubles = await sql`SELECT component_id, license_id, kind FROM license_findings WHERE project_id = ${project} GROUP BY 1, 2, 3 HAVING count(*) > 1`.execute(db);
  assert.equal(doubles.rows, []);
  const current = await sql<{ count: number }>`SELECT count(*)::int AS count FROM scans WHERE project_id = ${project} AND is_current`.execute(db);
  assert.is(current.rows[0]?.count, STEPS.length + 1);
  assert.is(await second.stop('SIGTERM'), 0);
}, { timeoutMs: 90_000 });

const stops = suite('a worker that stops');
stops('ends what it runs and gives its scan to another one at once, with no try lost', async () => {
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1'); // a git server that says nothing
  await once(silent, 'listening');
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const address: AddressInfo | string | null = silent.address();
  const project = await newProject(admin, { git_url: `git://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/repo.git` });
  const first = await startWorker();
  const asked = once(silent, 'connection');
  const id = String(member((await admin.expect(202, 'createScan', { path: { id: project }, json: {} })).body, 'id'));
  await asked;
  const taken = once(silent, 'connection');
  assert.is(await first.stop('SIGTERM'), 0);
  const left = await admin.expect(200, 'getScan', { path: { id } });
  assert.is(member(left.body, 'status'), 'queued');
  const second = await startWorker();
  await taken;
  const { body } = await admin.expect(200, 'getScan', { path: { id } });
  assert.equal([member(body, 'status'), member(body, 'attempt')], ['running', 2]);
  const { rows } = await sql<{ retry_count: number }>`SELECT j.retry_count FROM pgboss.job j JOIN scans s ON s.job_id = j.id WHERE s.id = ${id}`.execute(db);
  assert.equal(rows, [{ retry_count: 0 }]);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: id } });
  assert.is(await second.stop('SIGTERM'), 0);
}, { timeoutMs: 60_000 });

const heartbeats = suite('a job of any kind');
heartbeats('is missed when its worker dies, also in queues that an earlier release made', async () => {
  const silent = async (): Promise<unknown[]> => (await sql`SELECT name FROM pgboss.queue WHERE heartbeat_seconds IS NULL AND name NOT LIKE '\\_\\_%' ORDER BY name`.execute(db)).rows;
  assert.equal(await silent(), []);
  await sql`UPDATE pgboss.queue SET heartbeat_seconds = NULL, retry_limit = 1 WHERE name IN ('deliver-notices', 'give-up-scan')`.execute(db);
  const worker = await startWorker();
  assert.equal(await silent(), []);
  assert.equal((await sql`SELECT name, retry_limit FROM pgboss.queue WHERE name IN ('deliver-notices', 'give-up-scan') ORDER BY name`.execute(db)).rows, [{ name: 'deliver-notices', retry_limit: 3 }, { name: 'give-up-scan', retry_limit: 20 }]);
  assert.is(await worker.stop('SIGTERM'), 0);
}, { timeoutMs: 60_000 });

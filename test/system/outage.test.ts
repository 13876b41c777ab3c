/** Things are killed under the portal's hands: workers, the whole portal, the database. Nothing is lost, and every answer is a clear one. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { openEmbedded, removeDataFolder } from '../../src/db/embedded.ts';
import { pause } from '../../src/core/values.ts';
import { ContractClient, member } from '../support/contract.ts';
import { createTestDatabase } from '../support/database.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { seriesOf, valueOf } from '../support/metrics.ts';
import { ADMIN } from '../support/portal.ts';
import { startPortalProcess } from '../support/portal-process.ts';
import { newProject } from '../support/scans.ts';
import { quietLog } from '../support/server.ts';
import { atEnd, suite } from '../support/suite.ts';

const COMPONENTS = 30_000;
const LARGE = cycloneDx(Array.from({ length: COMPONENTS }, (_, index) => ({ purl: `pkg:npm/part-${index}@1.0.0`, license: 'MIT' })));

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'sca-portal-outage-'));
  atEnd(() => removeDataFolder(made));
  return made;
}

/** Asks until the scan is as it should be. Requests that the outage fails are asked again. */
async function until(client: ContractClient, scanId: string, wanted: (scan: unknown) => boolean): Promise<unknown> {
  for (let scan: unknown; ; await pause(20)) {
    const answer = await client.call('getScan', { path: { id: scanId } }).catch(() => null);
    if (answer?.status === 200) scan = answer.body;
    if (wanted(scan)) return scan;
  }
}
const isOver = (scan: unknown): boolean => ['succeeded', 'failed', 'cancelled'].includes(String(member(scan, 'status')));

const test = suite('outages');
test('a worker killed in mid-scan is replaced, and the scan ends with everything', async () => {
  const database = await createTestDatabase();
  const portal = await startPortalProcess({ DATABASE_URL: database.url, DATA_DIR: await folder() });
  const admin = await new ContractClient(portal.url).signIn(ADMIN.email, ADMIN.password);
  const project = await newProject(admin);
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(LARGE) });
  const id = String(member(body, 'id'));
  await until(admin, id, (scan) => member(scan, 'status') === 'running');
  process.kill(portal.workers[0] ?? 0, 'SIGKILL');
  await portal.workerReady(2);
  const scan = await until(admin, id, isOver);
  assert.equal(['status', 'attempt', 'component_count'].map((name) => member(scan, name)), ['succeeded', 2, COMPONENTS]);
  assert.is(member((await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { limit: 1 } })).body, 'total'), COMPONENTS);
  assert.is(await portal.stop('SIGTERM'), 0);
}, { timeoutMs: 120_000 });
test('a portal killed with a scan queued and one running takes both up again at its next start', async () => {
  const database = await createTestDatabase();
  const environment = { DATABASE_URL: database.url, DATA_DIR: await folder(), SCAN_CONCURRENCY: '1' };
  const first = await startPortalProcess(environment);
  const admin = await new ContractClient(first.url).signIn(ADMIN.email, ADMIN.password);
  const scans = [];
  for (let count = 0; count < 2; count += 1) {
    const { body } = await admin.expect(202, 'createScan', { path: { id: await newProject(admin) }, form: sbomForm(LARGE) });
    scans.push(String(member(body, 'id')));
  }
  await until(admin, scans[0] ?? '', (scan) => member(scan, 'status') === 'running');
  process.kill(first.workers[0] ?? 0, 'SIGKILL');
  await first.stop('SIGKILL');
  const second = await startPortalProcess(environment);
  const again = new ContractClient(second.url, admin.token);
  for (const id of scans) {
    const scan = await until(again, id, isOver);
    assert.equal(['status', 'component_count'].map((name) => member(scan, name)), ['succeeded', COMPONENTS]);
  }
  await second.stop('SIGTERM');
}, { timeoutMs: 120_000 });
test('the database stopped under load and started again: problems meanwhile, then all is well, and no scan is lost', async () => {
  const dataDir = await folder();
  let server = await openEmbedded({ dataDir, log: quietLog });
  atEnd(() => server.stop(5_000));
  const { url } = server;
  const METRICS_TOKEN = 'asked-while-all-is-down';
  const portal = await startPortalProcess({ DATABASE_URL: url, DATA_DIR: await folder(), METRICS_TOKEN });
  const admin = await new ContractClient(portal.url).signIn(ADMIN.email, ADMIN.password);
  const project = await newProject(admin);
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(LARGE) });
  const id = String(member(body, 'id'));
  await until(admin, id, (scan) => member(scan, 'status') === 'running');

  const statuses = new Map<number, number>();
  const load = { on: true };
  const callers = Array.from({ length: 8 }, async () => {
    while (load.on) {
      const { status } = await admin.call('listProjects'); // holds the answer, problem or not, against the contract
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  await server.stop(5_000);
  assert.is((await admin.call('getReadiness')).status, 503);
  assert.is((await admin.call('getHealth')).status, 200);
  const { text } = await admin.as(METRICS_TOKEN).expect(200, 'getMetrics');
  const told = seriesOf(text);
  assert.equal([valueOf(told, 'portal_database_up', {}), valueOf(told, 'portal_workers', {})], [0, undefined]);
  assert.ok((valueOf(told, 'process_cpu_seconds_total', {}) ?? 0) > 0);
  await pause(500);
  server = await openEmbedded({ dataDir, log: quietLog });
  assert.is(server.url, url);
  while ((await admin.call('getReadiness')).status !== 200) await pause(50);
  load.on = false;
  await Promise.all(callers);
  assert.equal([...statuses.keys()].filter((status) => status !== 200 && status !== 503), []);
  assert.ok((statuses.get(503) ?? 0) > 0 && (statuses.get(200) ?? 0) > 0, JSON.stringify([...statuses]));

  const scan = await until(admin, id, isOver);
  assert.equal(['status', 'component_count'].map((name) => member(scan, name)), ['succeeded', COMPONENTS]);
  await portal.stop('SIGTERM');
}, { timeoutMs: 180_000 });

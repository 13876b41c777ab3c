/** Metrics: who gets them, what they count, and that no client and no outage makes them grow or fall silent. */
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { pino } from 'pino';
import WebSocket from 'ws';
import { loadConfig } from '../../src/config.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { startPortal } from '../../src/portal.ts';
import { issueKey } from '../support/api-keys.ts';
import { ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { valueOf, seriesOf, type Series } from '../support/metrics.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';

const METRICS_TOKEN = 'prometheus-asks-with-this';
const { portal, admin, anonymous, database } = await startTestPortal({ METRICS_TOKEN });
const { db } = database;
const prometheus = anonymous.as(METRICS_TOKEN);
const scrape = async (client = prometheus): Promise<Series[]> => seriesOf((await client.expect(200, 'getMetrics')).text);
/** Answers of the database hold for five seconds: a portal of one's own asks anew. */
async function asker(parts = { api: true, worker: false }, environment: Record<string, string> = {}) {
  const config = loadConfig({ PORT: '0', DATA_DIR: portal.services.config.DATA_DIR, DATABASE_URL: database.url, VULNDB_SYNC: 'off', METRICS_TOKEN, DATABASE_POOL_SIZE: '3', ...environment });
  const own = await startPortal(config, parts, pino({ level: 'silent' }));
  atEnd(() => own.stop());
  return { own, client: new ContractClient(`http://127.0.0.1:${own.port === 0 ? own.metricsPort : own.port}`, METRICS_TOKEN) };
}

const test = suite('getMetrics');
test('is not there unless a token is set, whoever asks', async () => {
  const { anonymous: nobody, admin: chief } = await startTestPortal({}, { api: true, worker: false });
  for (const client of [nobody, chief, nobody.as(METRICS_TOKEN)]) await client.refused('not-found', 'getMetrics');
});
test('takes its own token and no other credential, and that opens nothing else', async () => {
  const key = await issueKey(admin, { scope: 'org' });
  for (const client of [anonymous, admin, key.client, anonymous.as(`${METRICS_TOKEN}x`), anonymous.as(METRICS_TOKEN.slice(1))]) assert.match(String((await client.refused('unauthorized', 'getMetrics'))['detail']), /METRICS_TOKEN/);
  await prometheus.refused('unauthorized', 'getMe');
  await prometheus.refused('invalid-request', 'getMetrics', { query: { name: 'up' } });
  const { headers } = await prometheus.expect(200, 'getMetrics', { prefix: '/api' });
  assert.match(headers.get('Content-Type') ?? '', /^text\/plain; version=0\.0\.4; charset=utf-8$/);
  assert.is(headers.get('RateLimit'), null);
});
test('counts requests by operation, method and class of status', async () => {
  const count = async (labels: Record<string, string>): Promise<number> => valueOf(await scrape(), 'portal_http_requests_total', labels) ?? 0;
  const good = { operation: 'listProjects', method: 'GET', status: '2xx' };
  const bad = { operation: 'listProjects', method: 'GET', status: '4xx' };
  const before = [await count(good), await count(bad)];
  await admin.expect(200, 'listProjects');
  await admin.expect(400, 'listProjects', { query: { limit: 'many' } });
  assert.equal([await count(good), await count(bad)], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
  const series = await scrape();
  assert.is(valueOf(series, 'portal_http_requests_in_flight', {}), 1, 'the scrape itself');
  assert.ok((valueOf(series, 'portal_http_request_duration_seconds_count', { operation: 'listProjects' }) ?? 0) >= 2);
  assert.is(valueOf(series, 'portal_http_request_duration_seconds_bucket', { operation: 'listProjects', le: '10' }), valueOf(series, 'portal_http_request_duration_seconds_count', { operation: 'listProjects' }));
});
test('a client that goes before its answer is counted as one, and as under way no longer', async () => {
  const gone = new AbortController();
  const asked = await inTransaction(db, async (tx) => {
    await sql`LOCK TABLE projects IN ACCESS EXCLUSIVE MODE`.execute(tx);
    const answer = fetch(`${anonymous.baseUrl}/v1/projects`, { headers: { Authorization: `Bearer ${admin.token ?? ''}` }, signal: gone.signal }).catch((error: unknown) => error);
    while ((await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(database.db)).rows.length === 0);
    gone.abort();
    return answer;
  });
  assert.instance(await asked, Error);
  let series = await scrape();
  while (valueOf(series, 'portal_http_requests_in_flight', {}) !== 1) series = await scrape();
  assert.is(valueOf(series, 'portal_http_requests_total', { operation: 'listProjects', method: 'GET', status: 'aborted' }), 1);
});
test('no path, method or query of a client makes a series', async () => {
  const ask = async (index: number): Promise<void> => {
    for (const method of ['GET', 'DELETE', 'PROPFIND', 'MKCOL']) await (await fetch(`${anonymous.baseUrl}/nowhere/${index}?x=${index}`, { method })).text();
    await admin.call('getProject', { path: { id: crypto.randomUUID() } });
  };
  await ask(0);
  const before = (await scrape()).filter(({ name }) => name.startsWith('portal_http'));
  for (let index = 1; index <= 20; index += 1) await ask(index);
  const after = await scrape();
  assert.is(after.filter(({ name }) => name.startsWith('portal_http')).length, before.length);
  assert.ok((valueOf(after, 'portal_http_requests_total', { operation: 'none', method: 'other', status: '4xx' }) ?? 0) >= 42);
});
test('tells of jobs, scans, queues, sources, workers, pool, sockets, the process and the build', async () => {
  const project = await newProject(admin);
  const { id } = await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/counted@1.0.0' }])));
  await sql`INSERT INTO advisory_sources (name, imported_at, records, failures) VALUES ('osv:npm', now() - interval '2 hours', 7, 3), ('kev', NULL, 0, 1)`.execute(db);
  const { client } = await asker();
  await queuedScan(database, project, 'waits');
  await sql`UPDATE scans SET created_at = now() - interval '90 seconds' WHERE status = 'queued'`.execute(db);
  await sql`INSERT INTO pgboss.job (name, start_after) VALUES ('send-mail', now() - interval '1 hour'), ('send-mail', now() + interval '1 hour')`.execute(db);
  const common = await scrape(client);
  const is = (name: string, labels: Record<string, string>, low: number, high = low): void => {
    const value = valueOf(common, name, labels) ?? Number.NaN;
    assert.ok(value >= low && value <= high, `${name} ${JSON.stringify(labels)} is ${value}`);
  };
  is('portal_database_up', {}, 1);
  is('portal_workers', {}, 1);
  is('portal_scans', { state: 'queued' }, 1);
  is('portal_scans_oldest_queued_seconds', {}, 90, 120);
  is('portal_scans_ended_last_hour', { state: 'succeeded' }, 1);
  is('portal_scans_ended_last_hour', { state: 'failed' }, 0);
  is('portal_queue_jobs', { queue: 'run-scan', state: 'ready' }, 0);
  is('portal_queue_jobs', { queue: 'send-mail', state: 'deferred' }, 1);
  is('portal_advisory_source_age_seconds', { source: 'osv:npm' }, 7200, 7260);
  is('portal_advisory_source_failures', { source: 'kev' }, 1);
  is('portal_database_pool_limit', {}, 3);
  is('portal_database_pool_connections', { state: 'idle' }, 1, 3);
  is('portal_build_info', { version: '0.1.0', node: process.version, role: 'api' }, 1);
  is('portal_data_volume_bytes', { state: 'total' }, 1, Number.POSITIVE_INFINITY);
  is('nodejs_eventloop_lag_p99_seconds', {}, 0, 60);
  is('process_resident_memory_bytes', {}, 1, Number.POSITIVE_INFINITY);
  assert.is(valueOf(common, 'portal_advisory_source_age_seconds', { source: 'kev' }), undefined, 'what never came has no age');
  const socket = new WebSocket(`${portal.url.replace(/^http/, 'ws')}/ws/scans/${id}`);
  await once(socket, 'open');
  const own = await scrape();
  socket.terminate();
  assert.is(valueOf(own, 'portal_websockets_open', {}), 1);
  assert.ok((valueOf(own, 'portal_jobs_total', { queue: 'run-scan', outcome: 'done' }) ?? 0) >= 1);
  assert.ok((valueOf(own, 'portal_job_duration_seconds_count', { queue: 'run-scan' }) ?? 0) >= 1);
});
test('while the database hangs the process is told of all the same, within seconds, and nothing stale', async () => {
  const { client } = await asker();
  const series = await inTransaction(db, async (tx) => {
    await sql`LOCK TABLE advisory_sources IN ACCESS EXCLUSIVE MODE`.execute(tx);
    const begin = performance.now();
    const found = await scrape(client);
    assert.ok(performance.now() - begin < 4_000);
    return found;
  });
  assert.equal([valueOf(series, 'portal_database_up', {}), valueOf(series, 'portal_workers', {}), series.filter(({ name }) => /^portal_(queue|scans|advisory)/.test(name))], [0, undefined, []]);
  assert.ok((valueOf(series, 'process_resident_memory_bytes', {}) ?? 0) > 0);
});
test('a worker without an API has a server of its own for it, where METRICS_PORT says so', async () => {
  const { own, client } = await asker({ api: false, worker: true }, { METRICS_PORT: '0' });
  assert.ok(own.metricsPort > 0);
  assert.is(own.port, 0);
  assert.is(valueOf(await scrape(client), 'portal_build_info', { version: '0.1.0', node: process.version, role: 'worker' }), 1);
  await client.as('wrong-token-of-some-length').refused('unauthorized', 'getMetrics');
  await client.expect(200, 'getHealth');
  await client.expect(200, 'getReadiness');
  for (const path of ['/auth/me', '/api/docs', '/reset-password', '/v1/projects']) {
    const answer = await fetch(client.baseUrl + path);
    assert.equal([answer.status, answer.headers.get('Content-Type')], [404, 'application/problem+json; charset=utf-8'], path);
    await answer.text();
  }
});

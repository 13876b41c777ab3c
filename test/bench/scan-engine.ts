/**
 * `node test/bench/scan-engine.ts`: 1,000 sockets on one scan; 200 SBOM scans queued at once with two workers; the memory of a worker that scans an SBOM of
 * 100,000 components. Prints the section of RESULTS.md.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import WebSocket from 'ws';
import { openEmbedded } from '../../src/db/embedded.ts';
import { isRecord } from '../../src/core/values.ts';
import { cycloneDx } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ADMIN = { email: 'bench@example.com', password: 'bench bench bench' };
const quiet = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
const MIB = 1024 * 1024;

const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
const server = await openEmbedded({ dataDir, log: quiet });
const children: ChildProcess[] = [];
const sql = new pg.Client({ connectionString: server.url });

async function start(role: 'api' | 'worker', port: number): Promise<ChildProcess> {
  const env = {
    PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'error', ROLE: role, PORT: String(port), DATABASE_URL: server.url, DATA_DIR: path.join(dataDir, `${role}-${children.length}`), SECRET_KEY: 'a-key-for-benchmarks-of-32-letters-or-more',
    ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password, WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1000', SCAN_CONCURRENCY_PER_TEAM: '100', MAX_ACTIVE_SCANS_PER_TEAM: '1000',
  };
  const child = fork(MAIN, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code ?? 'a signal'}`)));
  });
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

let token = '';
const url = 'http://127.0.0.1:8793';
async function api(method: string, where: string, body?: string | FormData): Promise<unknown> {
  const headers = { ...(token === '' ? {} : { Authorization: `Bearer ${token}` }), ...(typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}) };
  const response = await fetch(url + where, { method, headers, ...(body === undefined ? {} : { body }) });
  if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
  return response.json();
}
const field = (body: unknown, name: string): string => (isRecord(body) ? String(body[name]) : '');
const newProject = async (name: string): Promise<string> => field(await api('POST', '/v1/projects', JSON.stringify({ name })), 'id');

async function queue(project: string, text: string): Promise<string> {
  const form = new FormData();
  form.set('kind', 'sbom');
  form.set('sbom', new Blob([text]), 'bom.json');
  for (;;) {
    try {
      return field(await api('POST', `/v1/projects/${project}/scans`, form), 'id');
    } catch (error) {
      if (!String(error).includes(' 429 ')) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000)); // 120 scans a minute and caller
    }
  }
}

async function sockets(): Promise<string> {
  const project = await newProject('Sockets');
  const { rows } = await sql.query<{ id: string }>("INSERT INTO scans (project_id, kind, status, attempt) VALUES ($1, 'sbom', 'running', 1) RETURNING id", [project]);
  const scan = rows[0]?.id ?? '';
  const delays: number[] = [];
  let sentAt = 0;
  let waiting = 0;
  let done = (): void => undefined;
  const openedAt = performance.now();
  const open = await Promise.all(Array.from({ length: 1000 }, () => new Promise<WebSocket>((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/scans/${scan}`);
    socket.on('open', () => socket.send(authFrame(token)));
    socket.once('message', () => resolve(socket));
    socket.on('error', reject);
    socket.once('close', (code, reason) => reject(new Error(`${code} ${reason.toString()}`)));
    socket.on('message', () => {
      if (sentAt === 0) return;
      delays.push(performance.now() - sentAt);
      waiting -= 1;
      if (waiting === 0) done();
    });
  })));
  const openMs = performance.now() - openedAt;
  for (let percent = 1; percent <= 50; percent += 1) {
    waiting = open.length;
    const all = new Promise<void>((resolve) => { done = resolve; });
    sentAt = performance.now();
    await sql.query("SELECT pg_notify('scan_progress', $1)", [JSON.stringify({ scan_id: scan, percent, step: 'cdxgen', ts: new Date().toISOString(), status: 'running' })]);
    await all;
  }
  for (const socket of open) socket.terminate();
  await sql.query('DELETE FROM scans WHERE id = $1', [scan]);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(0);
  return `| 1,000 sockets opened at once, until each has its first frame | ${(openMs / 1000).toFixed(1)} s | |\n| a frame from the database to 1,000 sockets, 50 frames: p50, p99, worst | ${at(0.5)}, **${at(0.99)}**, ${at(0.99999)} ms | 250 ms |\n`;
}

async function manyScans(): Promise<string> {
  const projects = [];
  for (let index = 0; index < 200; index += 1) projects.push(await newProject(`Queue ${index}`));
  const text = cycloneDx(Array.from({ length: 500 }, (_, index) => ({ purl: `pkg:npm/queue-${index % 400}@1.${index}.0`, license: 'MIT' })));
  await sql.query('DELETE FROM rate_limits');
  for (const project of projects) {
    await queue(project, text);
    await sql.query("DELETE FROM rate_limits WHERE key LIKE '%scan-trigger%'").catch(() => undefined);
  }
  const startedAt = performance.now();
  const workers = [await start('worker', 0), await start('worker', 0)];
  let [active, samples] = [0, 0];
  for (let left = 1; left > 0;) {
    const { rows } = await sql.query<{ left: number; active: number }>(`
      SELECT (SELECT count(*)::int FROM scans WHERE status IN ('queued', 'running')) AS left,
        (SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'sca-portal' AND state = 'active') AS active`);
    left = rows[0]?.left ?? 0;
    active += rows[0]?.active ?? 0;
    samples += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { rows: ended } = await sql.query<{ status: string; count: number }>('SELECT status, count(*)::int AS count FROM scans GROUP BY status');
  for (const worker of workers) await stop(worker);
  return `| 200 SBOM scans of 500 components, 2 workers of 2 scans each, their start included (${ended.map(({ status, count }) => `${count} ${status}`).join(', ')}) | ${seconds.toFixed(1)} s, **${(200 / seconds).toFixed(1)} scans/s** | |\n| meanwhile, share of the four runners' time that is spent in SQL (sampled every 20 ms) | ${((100 * active) / (4 * samples)).toFixed(0)} % | |\n`;
}

async function largeScan(): Promise<string> {
  const parts = Array.from({ length: 100_000 }, (_, index) => ({ purl: `pkg:npm/large-${index}@1.0.${index % 50}`, license: 'MIT', dependsOn: [`pkg:npm/large-${(index + 1) % 100_000}@1.0.${((index + 1) % 100_000) % 50}`] }));
  const text = cycloneDx(parts);
  const worker = await start('worker', 0);
  const startedAt = performance.now();
  const scan = await queue(await newProject('Large'), text);
  const { frames } = await watch(url, `/ws/scans/${scan}`, authFrame(token));
  const seconds = (performance.now() - startedAt) / 1000;
  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${worker.pid ?? 0}/status`, 'utf8'))?.[1];
  await stop(worker);
  return `| SBOM of 100,000 components with a graph (${(text.length / MIB).toFixed(0)} MiB), ${frames.at(-1)?.step ?? ''}: time from POST, and peak memory of the worker | ${seconds.toFixed(1)} s, **${Math.round(Number(peak) / 1024)} MiB** | 600 MB |\n`;
}

try {
  await sql.connect();
  await start('api', 8793);
  token = field(await api('POST', '/auth/login', JSON.stringify(ADMIN)), 'access_token');
  const lines = process.env['ONLY'] === 'large' ? [await largeScan()] : [await sockets(), await largeScan(), await manyScans()];
  process.stdout.write(`## Scan engine\n\`node test/bench/scan-engine.ts\`, ${new Date().toISOString().slice(0, 10)}, clients, servers and database on the same 2 cores.\n\n| what | | target |\n|---|---|---|\n${lines.join('')}`);
} finally {
  await sql.end();
  for (const child of children) if (child.exitCode === null && child.signalCode === null) await stop(child);
  await server.stop(5000);
  await rm(dataDir, { recursive: true, force: true });
}

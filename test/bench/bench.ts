/**
 * `make bench`: what the full stack costs beside a bare Koa + pg handler that runs the same SQL, how long a start takes, and how
 * long an SBOM takes from POST to `succeeded`. Ratios against a baseline in the same run; results go to test/bench/RESULTS.md.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { openEmbedded } from '../../src/db/embedded.ts';
import { isRecord } from '../../src/core/values.ts';
import { authFrame, watch } from '../support/live.ts';
import { captureStatements } from './statements.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const BASELINE = fileURLToPath(new URL('./baseline.ts', import.meta.url));
const RESULTS = fileURLToPath(new URL('./RESULTS.md', import.meta.url));
const ADMIN = { ADMIN_EMAIL: 'bench@example.com', ADMIN_PASSWORD: 'bench bench bench' };
const quiet = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 8);
const ROUNDS = 3;

const children: ChildProcess[] = [];

/** Starts a server as a child and waits for its word that it is ready; milliseconds until then. */
async function start(file: string, env: Record<string, string>): Promise<{ child: ChildProcess; readyMs: number }> {
  const startedAt = performance.now();
  const child = fork(file, { env: { ...process.env, LOG_LEVEL: 'error', ...env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${path.basename(file)} ended with ${code ?? 'a signal'}`)));
  });
  return { child, readyMs: performance.now() - startedAt };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

async function api(url: string, token: string | null, method: string, where: string, body?: string | FormData): Promise<unknown> {
  const headers = { ...(token === null ? {} : { Authorization: `Bearer ${token}` }), ...(typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}) };
  const response = await fetch(url + where, { method, headers, ...(body === undefined ? {} : { body }) });
  if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
  return response.json();
}

const idOf = (body: unknown): string => (isRecord(body) && typeof body['id'] === 'string' ? body['id'] : '');
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

async function requestsPerSecond({ url, token }: Side): Promise<number> {
  const result = await autocannon({ url, connections: 20, duration: SECONDS, headers: { Authorization: `Bearer ${token}` } });
  if (result.non2xx > 0) throw new Error(`${url}: ${result.non2xx} answers were not 2xx`);
  return result.requests.average;
}

interface Side {
  url: string;
  token: string;
}

/** Both sides in turn, so that drift of the machine hits both. */
async function compare(name: string, one: Side, other: Side, target: string): Promise<string> {
  const pairs: { one: number; other: number }[] = [];
  await requestsPerSecond(one);
  await requestsPerSecond(other);
  for (let round = 0; round < ROUNDS; round += 1) pairs.push({ one: await requestsPerSecond(one), other: await requestsPerSecond(other) });
  const ratio = median(pairs.map((pair) => pair.one / pair.other));
  return `| ${name} | ${median(pairs.map((pair) => pair.one)).toFixed(0)} | ${median(pairs.map((pair) => pair.other)).toFixed(0)} | **${ratio.toFixed(2)}** | ${target} |`;
}

function sbomOf(size: number, salt: string): string {
  const ref = (index: number): string => `pkg:npm/bench-${salt}-${index}@1.${index % 50}.${index % 7}`;
  return JSON.stringify({
    bomFormat: 'CycloneDX', specVersion: '1.6', metadata: { component: { type: 'application', 'bom-ref': 'root', name: 'bench', version: '1' } },
    components: Array.from({ length: size }, (_, index) => ({ type: 'library', 'bom-ref': ref(index), name: `bench-${salt}-${index}`, version: `1.${index % 50}.${index % 7}`, purl: ref(index), licenses: [{ license: { id: index % 3 === 0 ? 'MIT' : 'Apache-2.0' } }] })),
    dependencies: [{ ref: 'root', dependsOn: [ref(0)] }, ...Array.from({ length: size - 1 }, (_, index) => ({ ref: ref(index), dependsOn: [ref(index + 1)] }))],
  });
}

async function scanSeconds(url: string, token: string, size: number, salt: string): Promise<number> {
  const project = idOf(await api(url, token, 'POST', '/v1/projects', JSON.stringify({ name: `bench ${size} ${salt}` })));
  const form = new FormData();
  form.set('sbom', new Blob([sbomOf(size, salt)]), 'bom.json');
  const startedAt = performance.now();
  const scan = idOf(await api(url, token, 'POST', `/v1/projects/${project}/scans`, form));
  const { frames } = await watch(url, `/ws/scans/${scan}`, authFrame(token));
  if (frames.at(-1)?.step !== 'succeeded') throw new Error(`the scan ended as ${frames.at(-1)?.step ?? 'nothing'}`);
  return (performance.now() - startedAt) / 1000;
}

async function signIn(url: string): Promise<string> {
  const session = await api(url, null, 'POST', '/auth/login', JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD }));
  return isRecord(session) ? String(session['access_token']) : '';
}

async function startUpRows(dataDir: string): Promise<string[]> {
  const env = { PORT: '8791', DATA_DIR: dataDir, ...ADMIN };
  const first = await start(MAIN, env);
  await stop(first.child);
  const warm: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, readyMs } = await start(MAIN, env);
    warm.push(readyMs);
    await stop(child);
  }
  return [`| first start, empty data folder | ${(first.readyMs / 1000).toFixed(2)} s | |`, `| start with a warm data folder | **${(median(warm) / 1000).toFixed(2)} s** | 2 s |`];
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-'));
  try {
    const startUp = await startUpRows(path.join(dataDir, 'start'));
    const database = await openEmbedded({ dataDir: path.join(dataDir, 'db'), log: quiet });
    try {
      const portal = await start(MAIN, { PORT: '8792', DATA_DIR: path.join(dataDir, 'portal'), DATABASE_URL: database.url, ...ADMIN });
      const url = 'http://127.0.0.1:8792';
      const token = await signIn(url);
      const ids: string[] = [];
      for (let index = 0; index < 200; index += 1) ids.push(idOf(await api(url, token, 'POST', '/v1/projects', JSON.stringify({ name: `Project ${index}` }))));
      const statements = await captureStatements(database.url, ids[7] ?? '');
      const baseline = await start(BASELINE, { PORT: '8793', DATABASE_URL: database.url, BASELINE_STATEMENTS: JSON.stringify(statements) });
      const requests = [
        await compare('GET /v1/projects/{id}', { url: `${url}/v1/projects/${ids[7] ?? ''}`, token }, { url: 'http://127.0.0.1:8793/one', token }, '0.70'),
        await compare('GET /v1/projects?limit=50', { url: `${url}/v1/projects?limit=50`, token }, { url: 'http://127.0.0.1:8793/list', token }, '0.70'),
      ];
      const issued = await api(url, token, 'POST', '/v1/api-keys', JSON.stringify({ name: 'bench', scope: 'org' }));
      const one = `${url}/v1/projects/${ids[7] ?? ''}`;
      const keys = await compare('GET /v1/projects/{id}', { url: one, token: isRecord(issued) ? String(issued['raw_key']) : '' }, { url: one, token }, '0.90');
      await stop(baseline.child);
      const scans: string[] = [];
      for (const [size, target] of [[1_000, 1], [10_000, 6]] as const) {
        await scanSeconds(url, token, size, 'warm');
        const times: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) times.push(await scanSeconds(url, token, size, `r${round}`));
        scans.push(`| SBOM of ${size.toLocaleString('en')} new components, POST to succeeded | **${median(times).toFixed(2)} s** | ${target} s |`);
      }
      await stop(portal.child);
      await report(requests, keys, [...startUp, ...scans]);
    } finally {
      await Promise.all(children.map(stop));
      await database.stop(10_000);
    }
  } finally {
    await Promise.all(children.map(stop));
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function report(requests: string[], keys: string, times: string[]): Promise<void> {
  const text = `# Benchmarks

\`make bench\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}. Load generator, servers and database share the machine: read the ratios.

Requests per second, 20 connections, median of ${ROUNDS} rounds of ${SECONDS} s, full stack and baseline in turn. The baseline is Koa and pg alone: no log-in, no
validation, no logging; it runs the SQL that the portal runs for the answer as named prepared statements, and sends the rows as JSON.

| request | full stack | baseline | ratio | target |
|---|---|---|---|---|
${requests.join('\n')}

With an API key instead of an access token, full stack both:

| request | API key | access token | ratio | target |
|---|---|---|---|---|
${keys}

| what | median of ${ROUNDS} | target |
|---|---|---|
${times.join('\n')}
`;
  const others = /\n## [\s\S]*$/.exec(await readFile(RESULTS, 'utf8'))?.[0] ?? ''; // sections of other measurements stay
  await writeFile(RESULTS, text + others);
  console.log(text);
}

await main();

/**
 * `node test/bench/components-list.ts`: how long lists of components take over HTTP on 2,100,000 rows of scan_components, with every filter and
 * every sort key. Writes its section of RESULTS.md. With BENCH_DATA=folder the filled database stays there for the next run.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { openDatabase, type Db } from '../../src/db/connect.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { isRecord } from '../../src/core/values.ts';
import { fillComponents, findFilled, type Filled } from './components-fill.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const RESULTS = fileURLToPath(new URL('./RESULTS.md', import.meta.url));
const HEADING = '## Lists of components';
const ADMIN = { ADMIN_EMAIL: 'bench@example.com', ADMIN_PASSWORD: 'bench bench bench' };
const URL_BASE = 'http://127.0.0.1:8794';
const quiet = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
const REQUESTS = 40;
/** Milliseconds. */
const TARGET = 50;

const SORTS = ['name', 'version', 'purl', 'severity', 'license', 'license_tier', 'vulnerability_count', 'depth'].flatMap((field) => [`sort=${field}`, `sort=-${field}`]);
const FILTERS = [
  'q=lodash', 'q=re', 'q=a', 'q=nothing-has-this', 'severity=critical', 'severity=none', 'severity=critical&severity=high&sort=severity', 'vulnerable=true', 'vulnerable=false', 'fix_available=true', 'fix_available=false',
  'license_tier=forbidden', 'license_tier=allowed', 'license=MIT', 'license=GPL-3.0-only', 'purl_type=npm', 'purl_type=golang', 'direct=true', 'direct=false', 'scope=dev', 'scope=required',
  'q=lodash&vulnerable=true&license=MIT&scope=required&sort=-severity,version', 'scope=required&sort=severity,name',
];

async function get(token: string, where: string): Promise<{ ms: number; body: unknown }> {
  const startedAt = performance.now();
  const response = await fetch(URL_BASE + where, { headers: { Authorization: `Bearer ${token}` } });
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(`${where}: ${response.status} ${JSON.stringify(body)}`);
  return { ms: performance.now() - startedAt, body };
}

const at = (times: readonly number[], share: number): number => times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? NaN;

/** One row of the table: median and 95th percentile of one request after another. */
async function measure(token: string, what: string, where: string, requests = REQUESTS): Promise<{ row: string; p95: number; total: number }> {
  const times: number[] = [];
  let total = 0;
  for (let count = -Math.ceil(requests / 8); count < requests; count += 1) {
    const { ms, body } = await get(token, where);
    if (count >= 0) times.push(ms);
    if (isRecord(body)) total = Number(body['total'] ?? 0);
  }
  const p95 = at(times, 0.95);
  return { row: `| ${what} | ${total.toLocaleString('en')} | ${at(times, 0.5).toFixed(1)} | ${p95 <= TARGET ? p95.toFixed(1) : `**${p95.toFixed(1)}**`} |`, p95, total };
}

async function lists(token: string, { large, small }: Filled): Promise<{ rows: string[]; worst: number }> {
  const measured: { row: string; p95: number }[] = [];
  for (const query of ['', ...SORTS, ...FILTERS]) {
    const first = await measure(token, `100,000 · \`${query}\``, `/v1/projects/${large}/components?${query}`);
    measured.push(first);
    if (first.total > 10_000) measured.push(await measure(token, `100,000 · \`${query}\` · offset 10,000`, `/v1/projects/${large}/components?${query}&offset=10000`));
  }
  for (const query of ['', 'sort=severity', 'sort=-vulnerability_count', 'q=lodash', 'license=MIT', 'fix_available=true']) measured.push(await measure(token, `1,000 · \`${query}\``, `/v1/projects/${small}/components?${query}`));
  return { rows: measured.map(({ row }) => row), worst: Math.max(...measured.map(({ p95 }) => p95)) };
}

const seqScans = async (db: Db): Promise<number> =>
  Number((await sql<{ scans: string }>`SELECT pg_stat_force_next_flush(), (SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'scan_components')::text AS scans`.execute(db)).rows[0]?.scans ?? NaN);

async function run(db: Db, url: string, dataDir: string): Promise<void> {
  const filled = (await findFilled(db)) ?? (await fillComponents(db));
  const portal = fork(MAIN, { env: { ...process.env, LOG_LEVEL: 'error', PORT: '8794', ROLE: 'api', DATA_DIR: path.join(dataDir, 'portal'), DATABASE_URL: url, ...ADMIN }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  try {
    await Promise.race([once(portal, 'message'), once(portal, 'exit').then(() => { throw new Error('the portal ended'); })]);
    const response = await fetch(`${URL_BASE}/auth/login`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD }) });
    const session: unknown = await response.json();
    const token = isRecord(session) ? String(session['access_token']) : '';
    const before = await seqScans(db);
    const { rows, worst } = await lists(token, filled);
    const details = await detailRows(db, token, filled);
    await report([...rows, ...details], worst, (await seqScans(db)) - before);
  } finally {
    portal.kill('SIGTERM');
    if (portal.exitCode === null && portal.signalCode === null) await once(portal, 'exit');
  }
}

/** The detail of the deepest component of the large graph, and the difference of two scans. */
async function detailRows(db: Db, token: string, { large, small }: Filled): Promise<string[]> {
  const component = (await sql<{ id: string }>`SELECT component_id AS id FROM scan_components WHERE scan_id = (SELECT current_scan_id FROM projects WHERE id = ${large}) ORDER BY depth DESC, ordinal DESC LIMIT 1`.execute(db)).rows[0]?.id;
  const rows = [await measure(token, '`GET /v1/components/{id}` in a graph of 100,000', `/v1/components/${component ?? ''}`)];
  const scans = (await sql<{ id: string; large: boolean }>`SELECT current_scan_id AS id, id = ${large} AS large FROM projects WHERE id IN (${large}, ${small})`.execute(db)).rows;
  for (const { id, large: isLarge } of scans) {
    const cases = isLarge ? [['of 100,000 against nothing', ''], ['of 100,000 against an equal one', `?base=${id}`]] : [['of 1,000 against the scan before', '']];
    for (const [what = '', query = ''] of cases) {
      for (const where of ['', '/components', '/findings']) rows.push(await measure(token, `\`GET /v1/scans/{id}/diff${where}\` ${what}`, `/v1/scans/${id}/diff${where}${query}`, 16));
    }
  }
  return rows.map(({ row }) => row);
}

async function report(rows: readonly string[], worst: number, scans: number): Promise<void> {
  const section = `${HEADING}
\`node test/bench/components-list.ts\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}). 2,100,000 rows of scan_components: 200 projects of 10 scans of 1,000, and one
scan of 100,000; 5 % with findings. \`GET /v1/projects/{id}/components\` over HTTP, ${REQUESTS} requests one after another, milliseconds. Target: p95 of each list below ${TARGET}; worst
seen ${worst.toFixed(1)}. Sequential scans of scan_components meanwhile: ${scans}.

| components of the scan · query | total | median | p95 |
|---|---|---|---|
${rows.join('\n')}
`;
  const text = await readFile(RESULTS, 'utf8');
  const others = text.replace(new RegExp(`\n${HEADING}\n[\\s\\S]*?(?=\n## |$)`), '').trimEnd();
  await writeFile(RESULTS, `${others}\n\n${section}`);
  console.log(section);
}

const kept = process.env['BENCH_DATA'];
const dataDir = kept ?? (await mkdtemp(path.join(tmpdir(), 'sca-portal-bench-')));
if (kept !== undefined) await stat(kept);
const server = await openEmbedded({ dataDir: path.join(dataDir, 'db'), log: quiet });
try {
  await migrate(server.url, { log: quiet });
  const { db, close } = openDatabase(server.url, { max: 2, applicationName: 'bench', log: quiet, statementTimeout: 0 });
  await run(db, server.url, dataDir).finally(close);
} finally {
  await server.stop(10_000);
  if (kept === undefined) await rm(dataDir, { recursive: true, force: true });
}

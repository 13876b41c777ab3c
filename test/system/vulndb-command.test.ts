/** `make vulndb` as its users run it, a process of its own beside a portal: what it says, killed half-way, twice at once, and what the portal does then. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { sql, type RawBuilder } from 'kysely';
import { pino } from 'pino';
import { isRecord } from '../../src/core/values.ts';
import type { Tx } from '../../src/db/connect.ts';
import { lockMatching } from '../../src/db/matches.ts';
import { inTransaction, withAdvisoryLock } from '../../src/db/transaction.ts';
import { osv } from '../support/advisories.ts';
import { createTestDatabase } from '../support/database.ts';
import { startMirror } from '../support/mirror.ts';
import { startTestPortal } from '../support/portal.ts';
import { scannedProject } from '../support/scans.ts';
import { atEnd, suite } from '../support/suite.ts';
import { zipOf } from '../support/zip.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/vulndb.ts', import.meta.url));
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-vulndb-'));
atEnd(() => rm(folder, { recursive: true, force: true }));

let gateChanged: () => void = () => undefined;
const log = pino({ level: 'info' }, { write: (line: string) => { if (line.includes('gate changed')) gateChanged(); } });
const { admin, database } = await startTestPortal({}, { api: true, worker: true }, log);
const { db } = database;

function start(url: string, from: string, environment: Record<string, string> = {}): { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> } {
  const child = spawn(process.execPath, [SCRIPT, from], { env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: url, DATA_DIR: folder, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  atEnd(() => { child.kill('SIGKILL'); });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  return { child, ended: once(child, 'exit').then(async ([code]: (number | null)[]) => ({ code: code ?? null, output: (await output).join('') })) };
}
const run = (url: string, from: string, environment?: Record<string, string>) => start(url, from, environment).ended;
async function exported(name: string, ...records: object[]): Promise<string> {
  const file = path.join(folder, `${name}.zip`);
  await writeFile(file, zipOf(records.map((record, index) => ({ name: `${index}.json`, content: JSON.stringify(record) }))));
  return file;
}
const count = async (query: RawBuilder<{ n: number }>): Promise<number> => (await query.execute(db)).rows[0]?.n ?? -1;
const advisories = (prefix: string) => count(sql<{ n: number }>`SELECT count(*)::int AS n FROM advisories WHERE id LIKE ${`${prefix}%`}`);
const scanned = (name: string): Promise<string> => scannedProject(admin, `pkg:npm/${name}@1.0.0`);

const test = suite('make vulndb');
test('imports, says what, and leaves word for the workers; with nothing new it does neither', async () => {
  const own = await createTestDatabase();
  const file = await exported('npm', osv({ id: 'GHSA-said', name: 'said' }), { nonsense: true });
  const words = async (): Promise<number> => (await sql<{ n: number }>`SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'evaluate-gates'`.execute(own.db)).rows[0]?.n ?? -1;
  const first = await run(own.url, file);
  assert.is(first.code, 0);
  assert.match(first.output, /^1 advisories read, 1 new or changed, 1 refused, in /);
  assert.match(first.output, /not used: npm\.zip\/1\.json: has no id/);
  assert.is(await words(), 1);
  const again = await run(own.url, file);
  assert.match(again.output, /^1 advisories read, 0 new or changed, 1 refused, in /);
  assert.is(await words(), 1);
});
test('a project\'s gate follows an import beside the portal at once', async () => {
  const project = await scanned('at-once');
  const changed = new Promise<void>((resolve) => { gateChanged = resolve; });
  const file = await exported('npm', osv({ id: 'GHSA-at-once', name: 'at-once', cvss: CRITICAL }));
  assert.is((await run(database.url, file)).code, 0);
  await changed;
  const { body } = await admin.expect(200, 'getProjectGateResult', { path: { id: project } });
  assert.is(isRecord(body) && body['gate'], 'fail');
}, { timeoutMs: 20_000 });
test('what is not there, or no data, is said', async () => {
  const nothing = await run(database.url, path.join(folder, 'nothing'));
  assert.equal([nothing.code, nothing.output.trim()], [1, `There is nothing at '${path.join(folder, 'nothing')}'. Name a zip, a folder or a single record.`]);
  await writeFile(path.join(folder, 'broken.json'), '{');
  const broken = await run(database.url, path.join(folder, 'broken.json'));
  assert.is(broken.code, 1);
  assert.match(broken.output, /not used: broken\.json: is not JSON/);
});
test('without FROM it fetches at once what the settings name, and fails where a source does', async () => {
  const mirror = await startMirror();
  mirror.put('/npm/all.zip', zipOf([{ name: 'GHSA-fetched.json', content: JSON.stringify(osv({ id: 'GHSA-fetched', name: 'fetched' })) }]));
  const settings = { VULNDB_URL: mirror.url, VULNDB_ECOSYSTEMS: 'npm', KEV_URL: 'off', EPSS_URL: 'off' };
  const fetched = await run(database.url, '', settings);
  assert.equal([fetched.code, fetched.output], [0, 'osv:npm              1 new or changed\n']);
  assert.equal((await run(database.url, '', settings)).output, 'osv:npm              nothing new\n');
  const failed = await run(database.url, '', { ...settings, KEV_URL: `${mirror.url}/kev.json` });
  assert.equal([failed.code, failed.output], [1, `kev                  ${mirror.url}/kev.json: there is nothing\nosv:npm              nothing new\n`
    + 'What could not be fetched is as it was. Without the internet name mirrors (VULNDB_URL, KEV_URL, EPSS_URL), or import files: make vulndb FROM=zip-or-folder.\n']);
});

/** Kills the command while it waits for what `hold` holds; then everything must be as it was. */
async function killedWhileWaiting(name: string, hold: (tx: Tx, project: string) => Promise<unknown>): Promise<void> {
  const project = await scanned(name);
  const file = await exported(name, osv({ id: `GHSA-${name}`, name }), osv({ id: `PYSEC-${name}`, name, aliases: [`GHSA-${name}`] }));
  await inTransaction(db, async (tx) => {
    await hold(tx, project);
    const { child, ended } = start(database.url, file);
    for (let waits = 0; waits === 0; ) {
      const { rows } = await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'sca-portal-vulndb' AND wait_event_type = 'Lock'`.execute(db); // a transaction would see the same again and again
      waits = rows.length;
    }
    child.kill('SIGKILL');
    await ended;
  });
  await withAdvisoryLock(db, 'import', async () => Promise.resolve()); // its transaction has ended
  const findings = () => count(sql<{ n: number }>`SELECT count(*)::int AS n FROM findings WHERE project_id = ${project}`);
  const sources = () => count(sql<{ n: number }>`SELECT count(*)::int AS n FROM advisory_sources WHERE name = ${`osv:${name}`}`);
  assert.equal([await advisories(`GHSA-${name}`), await findings(), await sources()], [0, 0, 0]);
  assert.is((await run(database.url, file)).code, 0);
  assert.equal([await advisories(`GHSA-${name}`), await findings(), await sources()], [1, 1, 1]);
}
test('killed when all is read and nothing applied, it has changed nothing', () => killedWhileWaiting('read', (tx) => lockMatching(tx, 'shared')));
test('killed when advisories and matches are written and findings are next, it has changed nothing', () =>
  killedWhileWaiting('written', (tx, project) => sql`SELECT 1 FROM projects WHERE id = ${project} FOR UPDATE`.execute(tx)));
test('two at once take turns: each record is imported once', async () => {
  const file = await exported('both', ...Array.from({ length: 300 }, (_, index) => osv({ id: `GHSA-both-${index}`, name: 'both' })));
  const ends = await Promise.all([run(database.url, file), run(database.url, file)]);
  assert.equal(ends.map(({ code }) => code), [0, 0]);
  assert.equal(ends.map(({ output }) => Number(/(\d+) new or changed/.exec(output)?.[1])).sort((a, b) => a - b), [0, 300]);
  assert.is(await advisories('GHSA-both-'), 300);
});

/** Scans that go on while Dependency-Track is away or misbehaves, and when it is asked again. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member } from '../support/contract.ts';
import type { Misbehaviour } from '../support/dependency-track.ts';
import { startPortalWithDependencyTrack } from '../support/dependency-track-portal.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { server, admin, database, scan, shown, health, reported } = await startPortalWithDependencyTrack({ DT_TIMEOUT_SECONDS: '2' });
const { db } = database;
const closeBreaker = async (): Promise<unknown> => sql`DELETE FROM circuit_breakers`.execute(db);

const away = suite('Dependency-Track that is away');
const answers = (status: number, headers: Record<string, string> = {}, text = ''): Misbehaviour => (_path, response) => {
  response.writeHead(status, headers).end(text);
  return true;
};
const onFindings = (then: Misbehaviour): Misbehaviour => (path, response) => path.includes('/finding/') && then(path, response);
const HUGE = onFindings((_path, response) => {
  response.writeHead(200);
  const chunk = Buffer.alloc(1 << 20, ' ');
  const more = (): void => { if (!response.destroyed) response.write(chunk, more); };
  more();
  return true;
});
const FAULTS: readonly { name: string; misbehave: Misbehaviour; words: RegExp; steps?: string[]; general?: false }[] = [
  { name: 'hangs', misbehave: () => true, words: /did not answer in time/ },
  { name: 'answers 500', misbehave: answers(500), words: /answered 500/ },
  { name: 'breaks the connection', misbehave: (_path, response) => { response.destroy(); return true; }, words: /could not be reached/ },
  { name: 'takes no key', misbehave: answers(401), words: /does not take the key DT_API_KEY \(401\)/ },
  { name: 'refuses access', misbehave: answers(403), words: /refuses access \(403\)/ },
  { name: 'redirects', misbehave: answers(302, { Location: 'http://127.0.0.1:1/' }), words: /redirect \(302\), which is not followed/ },
  { name: 'answers nonsense', misbehave: answers(200, {}, '<html>'), words: /does not speak as Dependency-Track does/ },
  { name: 'reports nonsense', misbehave: onFindings(answers(200, { 'X-Total-Count': '1' }, '[{"component":1}]')), words: /does not speak as Dependency-Track does/, steps: ['dt_findings'] },
  { name: 'reports a part', misbehave: onFindings(answers(200, { 'X-Total-Count': '7' }, '[]')), words: /told 0 of 7 findings/, steps: ['dt_findings'], general: false },
  { name: 'reports without end', misbehave: HUGE, words: /too large/, steps: ['dt_findings'], general: false },
  { name: 'is busy', misbehave: (path, response) => path.includes('/token/') && answers(200, {}, '{"processing":true}')(path, response), words: /had not looked at the SBOM in time/, steps: ['dt_findings'], general: false },
  { name: 'does not take the SBOM', misbehave: answers(400, { 'Content-Type': 'application/problem+json' }, '{"title":"The SBOM is invalid"}'), words: /answered 400 \(The SBOM is invalid\)/, general: false },
];
for (const [index, { name, misbehave, words, steps = ['dt_upload', 'dt_findings'], general = true }] of FAULTS.entries()) {
  away(`that ${name}: the scan succeeds and says so, and nothing is closed`, async () => {
    await closeBreaker();
    const { project, again } = await reported(`away-${index}`, { id: `CVE-2024-${2000 + index}` });
    server.findings.splice(0);
    server.misbehave = misbehave;
    const outcome = await again();
    server.misbehave = null;
    assert.equal([outcome.status, outcome.skipped], ['succeeded', steps], outcome.warnings);
    assert.match(outcome.warnings, words);
    assert.not.match(outcome.warnings, /127\.0\.0\.1|odt_/);
    assert.equal(await shown(project), [`CVE-2024-${2000 + index} new dependency_track`]);
    const { status, detail } = await health();
    assert.is(status, general ? 'degraded' : 'ok');
    if (general) assert.match(detail, words);
    await again();
    assert.equal(await shown(project), [`CVE-2024-${2000 + index} fixed dependency_track`], 'it has answered, and no longer reports it');
  });
}
away('a component that has gone is fixed all the same', async () => {
  await closeBreaker();
  const { project } = await reported('left', { id: 'CVE-2024-0501' });
  server.misbehave = answers(503);
  await scan(project, '', 'pkg:npm/other@1.0.0');
  server.misbehave = null;
  assert.equal(await shown(project), ['CVE-2024-0501 fixed dependency_track']);
});
away('after three failures nobody asks for a while; then one does, and what comes of it opens for longer or closes', async () => {
  await closeBreaker();
  const { project, again } = await reported('broken', { id: 'CVE-2024-0601' });
  const pause = async (): Promise<number> => Math.round((await sql<{ seconds: number }>`SELECT extract(epoch FROM open_until - clock_timestamp())::float8 AS seconds FROM circuit_breakers`.execute(db)).rows[0]?.seconds ?? 0);
  const waitOver = async (): Promise<unknown> => sql`UPDATE circuit_breakers SET open_until = clock_timestamp()`.execute(db);
  server.misbehave = answers(500);
  for (let count = 0; count < 3; count += 1) await again();
  assert.ok(await pause() > 25 && await pause() <= 30, String(await pause()));
  const { status, detail } = await health();
  assert.equal([status, /^Scans go on without it: failed 3 times in a row, tried again at .*Z\. Dependency-Track answered 500\.$/.test(detail)], ['down', true], detail);
  server.asked.splice(0);
  const outcome = await again();
  assert.equal([outcome.status, outcome.skipped, server.asked], ['succeeded', ['dt_upload', 'dt_findings'], []]);
  assert.match(outcome.warnings, /was not asked, since it failed 3 times in a row; it is tried again at .*Z/);
  await waitOver();
  assert.match((await health()).detail, /the next scan tries it/);
  await again();
  assert.ok(await pause() > 55 && await pause() <= 60, 'twice as long');
  await waitOver();
  await sql`UPDATE circuit_breakers SET probe_until = clock_timestamp() + interval '1 minute'`.execute(db);
  server.asked.splice(0);
  assert.match((await again()).warnings, /another scan is trying it/);
  assert.equal(server.asked, [], 'one probe at a time');
  await sql`UPDATE circuit_breakers SET probe_until = clock_timestamp()`.execute(db);
  server.misbehave = null;
  assert.equal((await again()).skipped, []);
  assert.is((await health()).status, 'ok');
  assert.equal(await shown(project), ['CVE-2024-0601 new dependency_track']);
});
away('a scan that is cancelled meanwhile says nothing of it, and holds no database connection while it waits', async () => {
  await closeBreaker();
  const project = await newProject(admin);
  let asked = (): void => undefined;
  const waiting = new Promise<void>((resolve) => { asked = resolve; });
  server.misbehave = () => {
    asked();
    return true;
  };
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(cycloneDx([{ purl: 'pkg:npm/waits@1.0.0' }])) });
  await waiting;
  const { rows: open } = await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`.execute(db);
  assert.is(open.length, 0);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: String(member(body, 'id')) } });
  const { frames } = await watch(admin.baseUrl, `/ws/scans/${String(member(body, 'id'))}`, authFrame(admin.token ?? ''));
  assert.is(frames.at(-1)?.step, 'cancelled');
  server.misbehave = null;
  assert.equal((await sql`SELECT 1 FROM circuit_breakers WHERE failures > 0`.execute(db)).rows, []);
});

/** Dependency-Track as a second opinion: what it is shown, what becomes of what it reports, and scans that go on while it is away. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { startDependencyTrack, type Misbehaviour, type TestFinding } from '../support/dependency-track.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const server = await startDependencyTrack();
const { portal, admin, database } = await startTestPortal({ DT_URL: `${server.url}/api/`, DT_API_KEY: server.key, DT_TIMEOUT_SECONDS: '2' });
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const closeBreaker = async (): Promise<unknown> => sql`DELETE FROM circuit_breakers`.execute(db);

interface Outcome { status: string; warnings: string; skipped: unknown[]; id: string }
async function scan(project: string, ref: string, ...purls: string[]): Promise<Outcome> {
  const { id } = await scanToEnd(admin, project, sbomForm(cycloneDx(purls.map((purl) => ({ purl }))), ref === '' ? {} : { ref }));
  const { body } = await admin.expect(200, 'getScan', { path: { id } });
  const skipped = member(body, 'skipped_steps');
  return { id, status: String(member(body, 'status')), warnings: JSON.stringify(member(body, 'warnings')), skipped: Array.isArray(skipped) ? skipped.filter(isRecord).map(({ step }) => step) : [] };
}
async function rows(project: string, query: Record<string, string> = {}): Promise<Record<string, unknown>[]> {
  const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { sort: 'cve_id', ...query } });
  const items = member(body, 'items');
  return Array.isArray(items) ? items.filter(isRecord) : [];
}
const shown = async (project: string, query: Record<string, string> = {}): Promise<string[]> =>
  (await rows(project, query)).map(({ cve_id, status, sources }) => `${String(cve_id)} ${String(status)} ${Array.isArray(sources) ? sources.join('+') : ''}`);
async function health(): Promise<{ status: unknown; detail: string }> {
  const parts = member((await admin.expect(200, 'getAdminHealth')).body, 'components');
  const part = (Array.isArray(parts) ? parts.filter(isRecord) : []).find(({ name }) => name === 'dependency_track');
  return { status: part?.['status'], detail: String(part?.['detail']) };
}
async function gate(project: string): Promise<unknown> {
  return member((await admin.expect(200, 'getProjectGateResult', { path: { id: project } })).body, 'gate');
}
/** A project whose component `name` Dependency-Track alone reports on. */
async function reported(name: string, finding: Partial<TestFinding> & { id: string }): Promise<{ project: string; purl: string; again: () => Promise<Outcome> }> {
  const project = await newProject(admin);
  const purl = `pkg:npm/${name}@1.0.0`;
  server.findings.push({ purl, ...finding });
  const outcome = await scan(project, '', purl);
  assert.equal([outcome.status, outcome.skipped], ['succeeded', []], outcome.warnings);
  return { project, purl, again: () => scan(project, '', purl) };
}
const forget = (id: string): void => void server.findings.splice(0, Infinity, ...server.findings.filter((one) => one.id !== id));

const settings = suite('settings of Dependency-Track');
settings('both or neither, by an address without secrets; `/api` at the end makes no difference', () => {
  const wrong = (environment: Record<string, string>, words: RegExp): void => assert.throws(() => loadConfig(environment), (error: unknown) => error instanceof ConfigError && words.test(error.message));
  wrong({ DT_URL: 'https://dt.example.com' }, /DT_API_KEY must be set too/);
  wrong({ DT_API_KEY: 'odt_12345678' }, /DT_URL must be set too/);
  wrong({ DT_URL: 'https://me:secret@dt.example.com', DT_API_KEY: 'odt_12345678' }, /DT_URL must be an http or https URL without user and password$/);
  for (const url of ['https://dt.example.com/x', 'https://dt.example.com/x/api/', 'https://dt.example.com/x/api/v1']) assert.is(loadConfig({ DT_URL: url, DT_API_KEY: 'odt_12345678' }).DT_URL, 'https://dt.example.com/x');
  assert.equal([loadConfig({}).DT_URL, loadConfig({}).DT_API_KEY], [null, null]);
});

const opinion = suite('a second opinion');
opinion('the SBOM of what was detected is uploaded by team, project and ref, and the steps are told live', async () => {
  server.polls = 3;
  const project = await newProject(admin, { name: 'Pay ments' });
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, form: sbomForm(cycloneDx([{ purl: 'pkg:npm/%40scope/one@1.0.0', license: 'MIT' }, { purl: 'pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12' }]), { ref: 'main' }) });
  const { frames } = await watch(admin.baseUrl, `/ws/scans/${String(member(body, 'id'))}`, authFrame(admin.token ?? ''));
  assert.is(frames.at(-1)?.step, 'succeeded');
  assert.ok(frames.some(({ step, percent }) => step === 'dt_findings' && percent === 60), JSON.stringify(frames));
  const last = server.uploads.at(-1);
  assert.match(String(last?.project), /^[\w-]+\/pay-ments$/);
  assert.equal([last?.version, last?.components.toSorted()], ['main', ['pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12', 'pkg:npm/%40scope/one@1.0.0']]);
  assert.is(server.asked.filter((line) => line.includes('/event/token/')).length, 4);
  assert.equal(server.faults, []);
  server.polls = 1;
  assert.is((await health()).status, 'ok');
});
opinion('what both know by whatever id is one finding of both; each alone is its own; lists can be asked for one of them', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-both', aliases: ['CVE-2024-0001'], name: 'both' }), osv({ id: 'GHSA-ours', aliases: ['CVE-2024-0002'], name: 'both' }), osv({ id: 'GHSA-lone', name: 'both' }));
  const purl = 'pkg:npm/both@1.0.0';
  server.findings.push({ purl, id: 'CVE-2024-0001' }, { purl, id: 'GHSA-both', aliases: [{ cveId: 'CVE-2024-0001', ghsaId: 'GHSA-both' }] }, { purl, id: 'CVE-2024-0003', aliases: [{ cveId: 'CVE-2024-0003', ghsaId: 'GHSA-lone' }] }, { purl, id: 'CVE-2024-0004', severity: 'CRITICAL', score: 9.8 });
  const project = await newProject(admin);
  const { warnings, id: scanId } = await scan(project, '', purl);
  assert.is(warnings, '[]');
  const all = ['CVE-2024-0001 new osv+dependency_track', 'CVE-2024-0002 new osv', 'CVE-2024-0003 new osv+dependency_track', 'CVE-2024-0004 new dependency_track'];
  assert.equal(await shown(project), all);
  assert.equal([await shown(project, { source: 'dependency_track' }), await shown(project, { source: 'osv' })], [[all[0], all[2], all[3]], all.slice(0, 3)]);
  assert.is(await gate(project), 'fail', 'what Dependency-Track alone reports counts');
  const only = (await rows(project)).at(-1);
  assert.equal([only?.['severity'], only?.['cvss_score'], only?.['summary']], ['critical', 9.8, 'What CVE-2024-0004 is about']);
  const { body } = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: String(only?.['id']) } });
  assert.equal([member(body, 'sources'), member(body, 'cwes'), member(body, 'published_at'), member(body, 'affected')], [['dependency_track'], ['CWE-79'], '2024-01-01T00:00:00.000Z', []]);
  const sbom = (await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format: 'cyclonedx-json' } })).text;
  const xml = (await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format: 'cyclonedx-xml' } })).text;
  const vex = (await admin.expect(200, 'getProjectVex', { path: { id: project }, query: { format: 'cyclonedx' } })).text;
  for (const text of [sbom, vex]) assert.match(text, /"id":"CVE-2024-0004","source":\{"name":"Dependency-Track"\}/);
  assert.match(xml, /<id>CVE-2024-0004<\/id><source><name>Dependency-Track<\/name><\/source>/);
  const diff = (await admin.expect(200, 'getScanDiff', { path: { id: scanId } })).body;
  assert.is(member(diff, 'findings', 'added'), 4);
  const detail = await admin.expect(200, 'getVulnerability', { path: { vulnerability_id: 'CVE-2024-0004' } });
  assert.equal([member(detail.body, 'finding_count'), member(detail.body, 'advisories', 0, 'source')], [1, 'dependency_track']);
});
opinion('an OSV record that comes later takes over, and triage lives through it', async () => {
  const { project, again } = await reported('later', { id: 'CVE-2024-0101', severity: 'LOW' });
  const [before] = await rows(project);
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: String(before?.['id']) }, headers: { 'If-Match': `"${String(before?.['version'])}"` }, json: { status: 'analyzing' } });
  await importFiles(portal.services, osv({ id: 'GHSA-later', aliases: ['CVE-2024-0101'], name: 'later', cvss: CRITICAL }));
  const [merged] = await rows(project);
  assert.equal([await shown(project), merged?.['id'], merged?.['severity'], merged?.['fixed_version']], [['CVE-2024-0101 analyzing osv+dependency_track'], before?.['id'], 'critical', '2.0.0']);
  await importFiles(portal.services, osv({ id: 'CVE-2024-0101', name: 'nobody', modified: '2024-06-01T00:00:00Z' }));
  const { rows: origins } = await sql<{ origin: string }>`SELECT origin FROM advisories WHERE id = 'CVE-2024-0101'`.execute(db);
  assert.equal(origins, [{ origin: 'osv' }]);
  await again();
  forget('CVE-2024-0101');
  await again();
  assert.equal(await shown(project), ['CVE-2024-0101 analyzing osv']);
});
opinion('two vulnerabilities that are found to be one take their reports along, and give them back', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-one', name: 'elsewhere' }));
  const { project } = await reported('merges', { id: 'GHSA-one' });
  await importFiles(portal.services, osv({ id: 'PYSEC-one', name: 'elsewhere', aliases: ['GHSA-one', 'CVE-2024-0201'], modified: '2024-02-01T00:00:00Z' }));
  assert.equal(await shown(project), ['CVE-2024-0201 new dependency_track']);
  await importFiles(portal.services, osv({ id: 'PYSEC-one', name: 'elsewhere', aliases: ['CVE-2024-0201'], modified: '2024-03-01T00:00:00Z' }));
  assert.equal(await shown(project), ['GHSA-one new dependency_track']);
});
opinion('what it no longer reports is fixed, and new again when it returns; what was decided on the package holds', async () => {
  const { project, again } = await reported('gone', { id: 'CVE-2024-0301' });
  forget('CVE-2024-0301');
  await again();
  assert.equal(await shown(project), ['CVE-2024-0301 fixed dependency_track']);
  server.findings.push({ purl: 'pkg:npm/gone@1.0.0', id: 'CVE-2024-0301' });
  await again();
  const [back] = await rows(project);
  assert.ok(back?.['status'] === 'new');
  for (const [status, version] of [['analyzing', 3], ['not_affected', 4]] as const) {
    await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: String(back['id']) }, headers: { 'If-Match': `"${version}"` }, json: { status, justification: 'Never called by us.', ...(status === 'analyzing' ? {} : { applies_to: 'package' }) } });
  }
  server.findings.push({ purl: 'pkg:npm/gone@1.1.0', id: 'CVE-2024-0301' });
  await scan(project, '', 'pkg:npm/gone@1.1.0');
  assert.equal((await rows(project, { status: 'not_affected' })).map(({ component_version }) => component_version), ['1.1.0']);
});
opinion('what is suppressed there opens nothing here, and closes nothing', async () => {
  const { project, again } = await reported('hushed', { id: 'CVE-2024-0401', suppressed: true });
  assert.equal(await shown(project), []);
  const [finding] = server.findings.filter(({ id }) => id === 'CVE-2024-0401');
  assert.ok(finding);
  for (const suppressed of [false, true]) {
    finding.suppressed = suppressed;
    await again();
    assert.equal(await shown(project), ['CVE-2024-0401 new dependency_track']);
  }
});
opinion('many findings come in pages, or all at once; what is about no component of the scan is passed over and told', async () => {
  const purls = Array.from({ length: 250 }, (_, index) => `pkg:npm/many-${index}@1.0.0`);
  server.findings.push(...purls.map((purl, index) => ({ purl, id: `CVE-2023-${10_000 + index}` })));
  for (const paged of [true, false]) {
    server.paged = paged;
    const project = await newProject(admin);
    await scan(project, '', ...purls);
    const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: project }, query: { limit: 1 } });
    assert.is(member(body, 'total'), 250);
  }
  server.paged = true;
  server.old = true;
  const { project } = await reported('odd', { id: 'not an id' });
  server.old = false;
  assert.equal(await shown(project), []);
  const { body } = await admin.expect(200, 'listProjectScans', { path: { id: project } });
  assert.match(JSON.stringify(member(body, 'items', 0, 'warnings')), /reports 1 findings on components that this scan does not have/);
  forget('not an id');
  assert.equal(server.faults, []);
});

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

/** Dependency-Track as a second opinion: what it is shown, and what becomes of what it reports. While it is away: dependency-track-away.test.ts. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { startPortalWithDependencyTrack } from '../support/dependency-track-portal.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { authFrame, watch } from '../support/live.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { server, portal, admin, database, scan, rows, shown, health, reported } = await startPortalWithDependencyTrack();
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
async function gate(project: string): Promise<unknown> {
  return member((await admin.expect(200, 'getProjectGateResult', { path: { id: project } })).body, 'gate');
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

/** Findings as SARIF: what code scanning asks for, suppressions by triage, stable bytes and fingerprints. */
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, fileForm, sbomForm, tarGz } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services,
  { ...osv({ id: 'GHSA-s1', aliases: ['CVE-2024-4001'], name: 'alpha', cvss: CRITICAL, cwes: ['CWE-79', 'CWE-1321'] }), summary: 'Alpha <script> & "quotes"', details: `Long ${'\u{1f600}'.repeat(2000)}` },
  osv({ id: 'GHSA-s2', name: 'beta', fixed: '3.0.0' }),
  { catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2024-4001', dateAdded: '2024-05-01', dueDate: '2024-05-22' }] });

const sarif = async (id: string, query: Record<string, string> = {}): Promise<{ run: unknown; text: string; etag: string }> => {
  const answer = await admin.expect(200, 'getProjectSarif', { path: { id }, query });
  const body: unknown = JSON.parse(answer.text);
  assert.equal([answer.headers.get('Content-Type'), member(body, 'version')], ['application/sarif+json', '2.1.0']);
  return { run: member(body, 'runs', 0), text: answer.text, etag: answer.headers.get('ETag') ?? '' };
};
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const prints = (run: unknown): unknown[] => list(member(run, 'results')).map((one) => member(one, 'partialFingerprints', 'primaryLocationLineHash'));

const test = suite('getProjectSarif');
test('vulnerabilities are rules with a score and tags, findings are results at the file that names the component', async () => {
  const id = await newProject(admin);
  const lock = JSON.stringify({ name: 'app', lockfileVersion: 3, packages: { '': { name: 'app', dependencies: { alpha: '1.0.0' } }, 'node_modules/alpha': { version: '1.0.0' }, 'node_modules/beta': { version: '2.0.0' } } });
  const form = fileForm('archive', await tarGz({ 'web app/package-lock.json': lock }), 'source.tar.gz');
  assert.is((await scanToEnd(admin, id, form)).status, 'succeeded');
  const { run } = await sarif(id);
  const [rule, other] = list(member(run, 'tool', 'driver', 'rules'));
  assert.equal([rule?.['id'], member(rule, 'properties', 'security-severity'), member(rule, 'properties', 'tags'), member(rule, 'shortDescription', 'text')],
    ['CVE-2024-4001', '9.8', ['security', 'vulnerability', 'critical', 'known-exploited', 'external/cwe/cwe-1321', 'external/cwe/cwe-79'], 'Alpha <script> & "quotes"']);
  const description = String(member(rule, 'fullDescription', 'text'));
  assert.ok(description.length <= 1024 && description.isWellFormed());
  assert.equal([other?.['id'], member(other, 'properties', 'security-severity')], ['GHSA-s2', undefined]);
  const results = list(member(run, 'results'));
  assert.equal(results.map((one) => [one['ruleId'], one['ruleIndex'], one['level'], member(one, 'locations', 0, 'physicalLocation', 'artifactLocation', 'uri'), member(one, 'locations', 0, 'physicalLocation', 'region', 'startLine')]), [
    ['CVE-2024-4001', 0, 'error', 'web%20app/package-lock.json', 1], ['GHSA-s2', 1, 'warning', 'web%20app/package-lock.json', 1],
  ]);
  assert.match(String(member(results[0], 'message', 'text')), /^alpha 1\.0\.0 has CVE-2024-4001\. Upgrade to 2\.0\.0 or later\.$/);
});
test('what is triaged as no problem is suppressed with its reason, and everything else is not', async () => {
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0' }, { purl: 'pkg:npm/beta@2.0.0' }])));
  const before = await sarif(id);
  assert.is((await sarif(id)).text, before.text);
  await admin.expect(304, 'getProjectSarif', { path: { id }, headers: { 'If-None-Match': before.etag } });
  const suppressions = async (): Promise<unknown[]> => list(member((await sarif(id)).run, 'results')).map((one) => member(one, 'suppressions'));
  assert.equal(await suppressions(), [[], []]);
  const finding = String(member(list(member(before.run, 'results'))[0], 'guid'));
  for (const [version, json] of [['1', { status: 'analyzing' }], ['2', { status: 'false_positive', justification: 'It is another package.' }]] as const) {
    await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: finding }, headers: { 'If-Match': version }, json });
  }
  assert.equal(await suppressions(), [[{ kind: 'external', status: 'accepted', justification: 'false_positive: It is another package.' }], []]);
  assert.is(list(member(before.run, 'results')).every((one) => member(one, 'locations', 0, 'physicalLocation', 'artifactLocation', 'uri') === 'SBOM'), true);
});
test('fingerprints outlive an upgrade that does not help, and tell several versions apart', async () => {
  const id = await newProject(admin);
  const { id: first } = await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/beta@2.0.0' }])));
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/beta@2.1.0' }])));
  const [before, after] = [prints((await sarif(id, { scan_id: first })).run), prints((await sarif(id)).run)];
  assert.is(before.length, 1);
  assert.equal(after, before);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/beta@2.1.0' }, { purl: 'pkg:npm/beta@2.2.0' }])));
  const both = prints((await sarif(id)).run);
  assert.equal([both[0], String(both[1])], [before[0], String(before[0]).replace(/:1$/, ':2')]);
});
test('is empty and whole without a scan, and refused of one without results', async () => {
  const id = await newProject(admin);
  const { run } = await sarif(id);
  assert.equal([member(run, 'results'), member(run, 'tool', 'driver', 'rules')], [[], []]);
  await admin.refused('scan-not-finished', 'getProjectSarif', { path: { id }, query: { scan_id: await queuedScan(database, id) } });
});

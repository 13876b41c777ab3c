/** The main job: an SBOM or an archive goes in, results come out, right. (Progress: scan-progress.test.ts) */
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { itemsOf, member, type ContractClient } from '../support/contract.ts';
import { cycloneDx, fileForm, LODASH, sbomForm, SMALL_SBOM, tarGz } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
const stranger = await newUser(anonymous, database, 'developer');
const get = async (client: ContractClient, operationId: Parameters<ContractClient['call']>[0], id: string, query: Record<string, string | number | boolean | string[]> = {}) =>
  (await client.expect(200, operationId, { path: { id }, query })).body;

const sbom = suite('createScan with an SBOM');
sbom('goes through its steps and ends with everything the document says', async () => {
  const project = await newProject(admin);
  const { id, status } = await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'refs/heads/main', commit_sha: 'ABCDEF1', metadata: '{"build":7}' }));
  assert.is(status, 'succeeded');
  const scan = await get(admin, 'getScan', id);
  assert.equal(['status', 'kind', 'ref', 'commit_sha', 'source_format', 'component_count', 'progress_percent', 'attempt'].map((name) => member(scan, name)), ['succeeded', 'sbom', 'main', 'abcdef1', 'cyclonedx-json', 4, 100, 1]);
  assert.equal(member(scan, 'metadata'), { build: 7 });

  const components = itemsOf(await get(admin, 'listProjectComponents', project));
  assert.equal(components.map((row) => [row['name'], row['version'], row['license'], row['license_tier'], row['direct'], row['depth']]), [
    ['copyleft', '1.0.0', 'GPL-3.0-only', 'forbidden', false, 2], ['lodash', '4.17.20', 'MIT', 'allowed', true, 1],
    ['mystery', '0.1.0', null, 'unknown', false, null], ['requests', '2.19.1', 'Apache-2.0', 'allowed', false, 2],
  ]);

  const findings = itemsOf(await get(admin, 'listProjectVulnerabilities', project));
  const lodash = findings.find((row) => row['cve_id'] === 'CVE-2021-23337');
  assert.ok(lodash, `CVE-2021-23337 is among ${findings.map((row) => String(row['cve_id'])).join()}`);
  assert.equal([lodash['purl'], lodash['severity'], lodash['fixed_version'], lodash['status'], lodash['direct']], [LODASH, 'high', '4.17.21', 'new', true]);

  const licenses = await get(admin, 'listProjectLicenses', project);
  assert.equal(itemsOf(licenses).map((row) => [row['spdx_id'], row['tier'], row['affected_count']]), [['GPL-3.0-only', 'forbidden', 1], ['Apache-2.0', 'allowed', 1], ['MIT', 'allowed', 1]]);
  assert.equal(member(licenses, 'distribution'), { allowed: 2, conditional: 0, forbidden: 1, unknown: 1 });

  const gate = await get(admin, 'getProjectGateResult', project, { scan_id: id });
  assert.equal([member(gate, 'gate'), member(gate, 'forbidden_license_count'), member(gate, 'scan_id')], ['fail', 1, id]);

  const shown = await get(admin, 'getProject', project);
  assert.equal([member(shown, 'current_scan_id'), member(shown, 'latest_scan_status'), member(shown, 'scan_count')], [id, 'succeeded', 1]);
});
sbom('the same document again changes no component and no finding', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const before = [await get(admin, 'listProjectComponents', project), await get(admin, 'listProjectVulnerabilities', project)];
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  assert.equal([await get(admin, 'listProjectComponents', project), await get(admin, 'listProjectVulnerabilities', project)], before);
});
sbom('a finding that the next scan lacks becomes fixed, and new again when it returns', async () => {
  const project = await newProject(admin);
  const statusOf = async (): Promise<unknown> => itemsOf(await get(admin, 'listProjectVulnerabilities', project, { q: 'CVE-2021-23337' }))[0]?.['status'];
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  assert.is(await statusOf(), 'new');
  await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/lodash@4.17.21', license: 'MIT' }])));
  assert.is(await statusOf(), 'fixed');
  assert.is(member(await get(admin, 'getProjectGateResult', project), 'gate'), 'pass');
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  assert.is(await statusOf(), 'new');
});
sbom('filters and sort keys of the lists hold', async () => {
  const project = await newProject(admin);
  const { id } = await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const names = async (query: Record<string, string | boolean | string[]>) => itemsOf(await get(admin, 'listProjectComponents', project, query)).map((row) => row['name']);
  assert.equal(await names({ license_tier: ['forbidden', 'unknown'] }), ['copyleft', 'mystery']);
  assert.equal(await names({ direct: true }), ['lodash']);
  assert.equal(await names({ q: 'LODASH' }), ['lodash']);
  assert.equal((await names({ sort: 'severity,-name' })).length, 4);
  assert.equal(await names({ scope: ['dev'] }), []);
  const found = async (query: Record<string, string | boolean | number | string[]>) => itemsOf(await get(admin, 'listProjectVulnerabilities', project, query)).length;
  const all = await found({});
  assert.ok(all > 0);
  assert.is(await found({ fix_available: true, scan_id: id }), all);
  assert.is(await found({ status: ['fixed'] }), 0);
  assert.is(await found({ min_epss: 0.5 }), 0);
  for (const sort of ['severity', '-cvss', 'epss', 'status', 'component', '-cve_id', 'discovered_at', '-updated_at']) assert.is(await found({ sort }), all);
  for (const sort of ['tier', 'name', '-spdx_id', 'affected_count']) await get(admin, 'listProjectLicenses', project, { sort, tier: ['allowed'], kind: ['declared'], q: 'm' });
  for (const sort of ['name', 'version', 'purl', 'severity', 'license', 'license_tier', '-vulnerability_count', 'depth']) await get(admin, 'listProjectComponents', project, { sort });
});
sbom('a component tells its findings, neighbours and paths', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const requests = itemsOf(await get(admin, 'listProjectComponents', project, { q: 'requests' }))[0];
  const { body } = await admin.expect(200, 'getComponent', { path: { component_id: String(requests?.['id']) } });
  assert.equal(member(body, 'paths'), [[LODASH, 'pkg:pypi/requests@2.19.1']]);
  assert.is(member(body, 'dependents', 0, 'purl'), LODASH);
  await stranger.client.refused('forbidden', 'getComponent', { path: { component_id: String(requests?.['id']) } });
});

const source = suite('createScan with an archive');
source('finds what its lock files name', async () => {
  const project = await newProject(admin);
  const archive = await tarGz({
    'app/package-lock.json': JSON.stringify({ name: 'app', lockfileVersion: 3, packages: { '': { dependencies: { lodash: '^4.0.0' } }, 'node_modules/lodash': { version: '4.17.20', license: 'MIT' } } }),
    'api/requirements.txt': 'requests==2.19.1\nflask>=2\n',
    'go/go.mod': 'module example.com/m\n\ngo 1.20\n\nrequire golang.org/x/text v0.3.5\n',
    'README.md': 'nothing here',
  });
  const { id, status } = await scanToEnd(admin, project, fileForm('archive', archive, 'source.tar.gz'));
  assert.is(status, 'succeeded');
  const scan = await get(admin, 'getScan', id);
  assert.equal([member(scan, 'kind'), member(scan, 'source_format')], ['source', 'tar.gz']);
  const purls = itemsOf(await get(admin, 'listProjectComponents', project)).map((row) => row['purl']);
  assert.equal(purls.sort(), ['pkg:golang/golang.org/x/text@v0.3.5', LODASH, 'pkg:pypi/requests@2.19.1'].sort());
  assert.ok(itemsOf(await get(admin, 'listProjectVulnerabilities', project)).some((row) => row['cve_id'] === 'CVE-2021-23337'));
});

const out = suite('getProjectSbom');
out('gives every format, the same bytes each time, and 304 for what one has', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  for (const [format, type] of [['cyclonedx-json', 'application/vnd.cyclonedx+json'], ['cyclonedx-xml', 'application/vnd.cyclonedx+xml'], ['spdx-json', 'application/spdx+json'], ['spdx-tv', 'text/spdx']] as const) {
    const first = await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format } });
    assert.ok(first.headers.get('Content-Type')?.startsWith(type));
    assert.match(first.headers.get('Content-Disposition') ?? '', /^attachment; filename="/);
    assert.ok(first.text.includes('lodash'));
    assert.is((await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format } })).text, first.text);
    await admin.expect(304, 'getProjectSbom', { path: { id: project }, query: { format }, headers: { 'If-None-Match': first.headers.get('ETag') ?? '' } });
  }
});
out('what comes out goes in again, the same', async () => {
  const project = await newProject(admin);
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const shape = async (id: string) => itemsOf(await get(admin, 'listProjectComponents', id)).map((row) => [row['purl'], row['license'], row['direct'], row['depth'], row['scope']]);
  const expected = await shape(project);
  for (const format of ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv']) {
    const { text } = await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format } });
    const copy = await newProject(admin);
    assert.is((await scanToEnd(admin, copy, sbomForm(text, { format }))).status, 'succeeded', format);
    assert.equal(await shape(copy), expected, format);
  }
});
out('an empty project gives an empty document, a failed scan none', async () => {
  const project = await newProject(admin);
  const { body } = await admin.expect(200, 'getProjectSbom', { path: { id: project } });
  assert.equal(member(body, 'components'), []);
  const { id } = await scanToEnd(admin, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{'));
  await admin.refused('scan-not-finished', 'getProjectSbom', { path: { id: project }, query: { scan_id: id } });
});

const gate = suite('getProjectGateResult');
gate('is pending before the first result, and hides other teams\' projects', async () => {
  const project = await newProject(admin);
  const result = await get(admin, 'getProjectGateResult', project);
  assert.equal([member(result, 'gate'), member(result, 'scan_id')], ['pending', null]);
  await stranger.client.refused('not-found', 'getProjectGateResult', { path: { id: project } });
});
gate('follows the policy of the project', async () => {
  const project = await newProject(admin, { gate: { forbidden_license: 'off', severity_threshold: 'high' } });
  await scanToEnd(admin, project, sbomForm(SMALL_SBOM));
  const strict = await get(admin, 'getProjectGateResult', project);
  assert.equal([member(strict, 'gate'), member(strict, 'reasons', 0, 'rule')], ['fail', 'severity']);
  await admin.expect(200, 'updateProject', { path: { id: project }, json: { gate: { severity_threshold: null, unknown_license: 'warn' } }, headers: { 'If-Match': '1' } });
  const lax = await get(admin, 'getProjectGateResult', project);
  assert.equal([member(lax, 'gate'), member(lax, 'reasons', 0, 'rule')], ['warn', 'unknown_license']);
});
gate('a failed scan does not pass', async () => {
  const project = await newProject(admin);
  const { id } = await scanToEnd(admin, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{'));
  assert.is(member(await get(admin, 'getProjectGateResult', project, { scan_id: id }), 'gate'), 'fail');
});

const lists = suite('listScans and listProjectScans');
lists('are scoped and filtered', async () => {
  const project = await newProject(admin);
  const { id } = await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'v1' }));
  const one = await get(admin, 'listProjectScans', project, { status: ['succeeded', 'failed'], kind: ['sbom'], ref: 'v1', sort: '-completed_at,status' });
  assert.equal(itemsOf(one).map((row) => row['id']), [id]);
  const all = (await admin.expect(200, 'listScans', { query: { project_id: project, created_after: '2020-01-01T00:00:00Z', created_before: '2999-01-01T00:00:00Z' } })).body;
  assert.is(member(all, 'total'), 1);
  assert.is(member((await stranger.client.expect(200, 'listScans')).body, 'total'), 0);
  await stranger.client.refused('forbidden', 'listProjectScans', { path: { id: project } });
  await stranger.client.refused('forbidden', 'getScan', { path: { id } });
  await admin.refused('not-found', 'listProjectComponents', { path: { id: await newProject(admin) }, query: { scan_id: id } });
});

lists('are searched by commit and ref, and their orders are total', async () => {
  const project = await newProject(admin);
  const ids: string[] = [];
  for (const fields of [{ ref: 'main', commit_sha: 'abc1234' }, { ref: 'Feature_1', commit_sha: 'def5678' }, { ref: 'pr-7' }]) ids.push((await scanToEnd(admin, project, sbomForm(SMALL_SBOM, fields))).id);
  const found = async (query: Record<string, string>) => itemsOf(await get(admin, 'listProjectScans', project, { sort: 'created_at', ...query })).map((row) => row['id']);
  const [main, feature, pull] = ids;
  assert.equal(await Promise.all(['ABC1', '5678', 'feature_', 'r', '_', '%', '7', '\\'].map((q) => found({ q }))), [[main], [feature], [feature], [feature, pull], [feature], [], [feature, pull], []]);
  assert.equal(itemsOf((await admin.expect(200, 'listScans', { query: { q: 'abc1234', project_id: project } })).body).map((row) => row['id']), [main]);
  await admin.refused('invalid-request', 'listScans', { query: { q: 'a\u0000' } });
  for (const field of ['created_at', 'started_at', 'completed_at', 'status', 'kind']) assert.equal(await found({ sort: field }), (await found({ sort: `-${field}` })).toReversed());
});

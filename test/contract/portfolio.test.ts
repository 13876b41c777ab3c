/** Searching over all projects: where a vulnerability reaches, and who has a package; each caller sees their own projects. */
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { issueKey } from '../support/api-keys.ts';
import { member, type Answer, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal();
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services,
  { ...osv({ id: 'GHSA-r1', aliases: ['CVE-2024-5001'], name: 'alpha', cvss: CRITICAL, cwes: ['CWE-79'] }), summary: 'Alpha is broken', references: [{ type: 'WEB', url: 'https://example.com/a' }, { type: 'WEB', url: 'javascript:alert(1)' }] },
  osv({ id: 'GHSA-r2', aliases: ['CVE-2024-5002'], name: 'beta', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N' }), osv({ id: 'GHSA-r3', name: 'gamma', introduced: '1.0.0' }), osv({ id: 'GHSA-unused', name: 'nobody' }),
  'cve,epss,percentile\nCVE-2024-5001,0.25,0.9\nCVE-2024-5002,0.9,0.99\n', { catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2024-5001', dateAdded: '2024-05-01', dueDate: '2024-05-22' }] });
const [red, blue] = [await newUser(anonymous, database, 'team_admin'), await newUser(anonymous, database, 'team_admin')];
const project = async (user: { teamId: string }, name: string, purls: string[], fields: object = {}): Promise<string> => {
  const id = await newProject(admin, { team_id: user.teamId, name, default_branch: 'main', ...fields });
  await scanToEnd(admin, id, sbomForm(cycloneDx(purls.map((purl) => ({ purl }))), { ref: 'main' }));
  return id;
};
const redOne = await project(red, 'Red one', ['pkg:npm/alpha@1.0.0', 'pkg:npm/alpha@1.1.0', 'pkg:npm/%40scope/thing@1.0.0']);
const redTwo = await project(red, 'Red two', ['pkg:npm/beta@1.0.0', 'pkg:deb/debian/alpha@1.0?arch=amd64&distro=debian-12']);
await scanToEnd(admin, redTwo, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0' }]), { ref: 'release' }));
const blueOne = await project(blue, 'Blue one', ['pkg:npm/alpha@1.0.0', 'pkg:npm/gamma@1.5.0']);
const open = await project(blue, 'Blue open', ['pkg:npm/gamma@1.5.0'], { visibility: 'organization' });
const gone = await project(red, 'Red gone', ['pkg:npm/alpha@1.0.0']);
await admin.expect(204, 'deleteProject', { path: { id: gone } });

const items = ({ body }: Answer): Record<string, unknown>[] => {
  const list = member(body, 'items');
  assert.ok(Array.isArray(list));
  return list.filter(isRecord);
};
type Query = Record<string, string | number | boolean | string[]>;
const vulnerabilities = async (client: ContractClient, query: Query = {}): Promise<string[]> =>
  items(await client.expect(200, 'listVulnerabilities', { query })).map((item) => `${String(item['cve_id'])} ${String(item['project_count'])}/${String(item['finding_count'])}`);
const reached = async (client: ContractClient, name: string, query: Query = {}): Promise<string[]> =>
  items(await client.expect(200, 'listVulnerabilityProjects', { path: { vulnerability_id: name }, query: { sort: 'project,component', ...query } })).map((item) => `${String(item['project_name'])} ${String(item['purl']).slice(8)} ${JSON.stringify(item['refs'])}`);
const found = async (client: ContractClient, query: Query): Promise<string[]> =>
  items(await client.expect(200, 'listComponents', { query: { sort: 'project,name,version', ...query } })).map((item) => `${String(item['project_name'])} ${String(item['purl']).slice(4)}`);

const list = suite('listVulnerabilities');
list('each caller has those of the projects that they see, with how far these reach there', async () => {
  assert.equal(await vulnerabilities(admin), ['CVE-2024-5001 3/4', 'CVE-2024-5002 1/1', 'GHSA-r3 2/2']);
  assert.equal(await vulnerabilities(red.client), ['CVE-2024-5001 2/3', 'CVE-2024-5002 1/1', 'GHSA-r3 1/1']);
  assert.equal(await vulnerabilities(blue.client), ['CVE-2024-5001 1/1', 'GHSA-r3 2/2']);
  const stranger = await newUser(anonymous, database, 'developer');
  assert.equal(await vulnerabilities(stranger.client), ['GHSA-r3 1/1']);
  const key = await issueKey(admin, { scope: 'project', project_id: redTwo });
  assert.equal(await vulnerabilities(key.client), ['CVE-2024-5001 1/1', 'CVE-2024-5002 1/1']);
});
list('every filter and order', async () => {
  const expected: [Query, string[]][] = [
    [{ severity: ['critical'] }, ['CVE-2024-5001']], [{ severity: ['unknown', 'medium'] }, ['CVE-2024-5002', 'GHSA-r3']], [{ kev: true }, ['CVE-2024-5001']], [{ kev: false, sort: 'cve_id' }, ['CVE-2024-5002', 'GHSA-r3']],
    [{ min_epss: 0.5 }, ['CVE-2024-5002']], [{ fix_available: true, sort: '-cve_id' }, ['GHSA-r3', 'CVE-2024-5002', 'CVE-2024-5001']], [{ fix_available: false }, []], [{ q: 'ghsa-R2' }, ['CVE-2024-5002']], [{ q: 'is BROKEN' }, ['CVE-2024-5001']],
    [{ q: '%' }, []], [{ team_id: blue.teamId }, ['CVE-2024-5001', 'GHSA-r3']], [{ status: ['fixed'] }, []], [{ sort: '-epss' }, ['CVE-2024-5002', 'CVE-2024-5001', 'GHSA-r3']], [{ sort: 'cvss' }, ['CVE-2024-5002', 'CVE-2024-5001', 'GHSA-r3']],
    [{ sort: '-kev,cve_id' }, ['CVE-2024-5001', 'CVE-2024-5002', 'GHSA-r3']], [{ sort: 'published_at,-modified_at,cve_id' }, ['CVE-2024-5001', 'CVE-2024-5002', 'GHSA-r3']],
  ];
  for (const [query, ids] of expected) {
    const answer = await admin.expect(200, 'listVulnerabilities', { query });
    assert.equal([items(answer).map((item) => item['cve_id']), member(answer.body, 'total')], [ids, ids.length], JSON.stringify(query));
  }
  const pages = await Promise.all([0, 1, 2, 3].map(async (offset) => vulnerabilities(admin, { limit: 1, offset })));
  assert.equal(pages.map((page) => page.length), [1, 1, 1, 0]);
  await admin.refused('invalid-request', 'listVulnerabilities', { query: { sort: 'name' } });
});
list('what is decided leaves the open ones, and is found by its state', async () => {
  const own = await newUser(anonymous, database, 'team_admin');
  await project(own, 'Decided', ['pkg:npm/beta@1.0.0']);
  const [finding] = items(await own.client.expect(200, 'listVulnerabilityProjects', { path: { vulnerability_id: 'CVE-2024-5002' } }));
  await own.client.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: String(finding?.['finding_id']) }, headers: { 'If-Match': '1' }, json: { status: 'suppressed', justification: 'Not used in any build.' } });
  assert.equal(await vulnerabilities(own.client, { team_id: own.teamId }), []);
  assert.equal(await vulnerabilities(own.client, { team_id: own.teamId, status: ['suppressed'] }), ['CVE-2024-5002 1/1']);
});

const get = suite('getVulnerability');
get('is found by every name, with what advisories say and how far it reaches', async () => {
  for (const name of ['CVE-2024-5001', 'GHSA-r1']) {
    const { body } = await red.client.expect(200, 'getVulnerability', { path: { vulnerability_id: name } });
    assert.equal(['cve_id', 'severity', 'severity_source', 'kev_due_on', 'cwes', 'references', 'project_count', 'finding_count', 'fix_available'].map((one) => member(body, one)),
      ['CVE-2024-5001', 'critical', { advisory_id: 'GHSA-r1', basis: 'cvss' }, '2024-05-22', ['CWE-79'], [{ type: 'WEB', url: 'https://example.com/a' }], 2, 3, true]);
    assert.equal(member(body, 'affected'), [{ advisory_id: 'GHSA-r1', ecosystem: 'npm', package: 'alpha', introduced: '0', fixed: '2.0.0', last_affected: null, limit: null, versions: [] }]);
    assert.equal([member(body, 'advisories', 0, 'id'), member(body, 'advisories', 1)], ['GHSA-r1', undefined]);
  }
  const { body } = await red.client.expect(200, 'getVulnerability', { path: { vulnerability_id: 'GHSA-unused' } });
  assert.equal([member(body, 'project_count'), member(body, 'first_detected_at')], [0, null]);
  await red.client.refused('not-found', 'getVulnerability', { path: { vulnerability_id: 'CVE-1999-0001' } });
  await red.client.refused('not-found', 'getVulnerability', { path: { vulnerability_id: '%_/"' } });
  await red.client.refused('invalid-request', 'getVulnerability', { path: { vulnerability_id: '\u{1f600}' } });
});

const where = suite('listVulnerabilityProjects');
where('tells projects, components and refs, of what the caller sees', async () => {
  assert.equal(await reached(admin, 'GHSA-r1'), ['Blue one alpha@1.0.0 ["main"]', 'Red one alpha@1.0.0 ["main"]', 'Red one alpha@1.1.0 ["main"]', 'Red two alpha@1.0.0 ["release"]']);
  assert.equal(await reached(blue.client, 'CVE-2024-5001'), ['Blue one alpha@1.0.0 ["main"]']);
  assert.equal(await reached(red.client, 'CVE-2024-5001', { main_line: false }), ['Red two alpha@1.0.0 ["release"]']);
  assert.equal(await reached(admin, 'CVE-2024-5001', { main_line: true, team_id: red.teamId, limit: 1, offset: 1 }), ['Red one alpha@1.1.0 ["main"]']);
  assert.equal(await reached(red.client, 'GHSA-r3'), ['Blue open gamma@1.5.0 ["main"]']);
  assert.equal(await reached(admin, 'GHSA-unused'), []);
  assert.equal(await reached(admin, 'CVE-2024-5001', { status: ['fixed', 'suppressed'] }), []);
  const [first] = items(await admin.expect(200, 'listVulnerabilityProjects', { path: { vulnerability_id: 'CVE-2024-5001' }, query: { team_id: blue.teamId, sort: '-priority,discovered_at,status' } }));
  assert.equal([first?.['project_id'], first?.['team_id'], first?.['fixed_version'], first?.['status'], first?.['direct']], [blueOne, blue.teamId, '2.0.0', 'new', true]);
  await admin.refused('not-found', 'listVulnerabilityProjects', { path: { vulnerability_id: 'CVE-1999-0001' } });
});
where('a finding that went away is no longer there', async () => {
  const own = await newUser(anonymous, database, 'team_admin');
  const id = await project(own, 'Upgraded', ['pkg:npm/alpha@1.0.0']);
  assert.equal((await reached(own.client, 'CVE-2024-5001', { team_id: own.teamId })).length, 1);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@2.0.0' }]), { ref: 'main' }));
  assert.equal(await reached(own.client, 'CVE-2024-5001', { team_id: own.teamId }), []);
  assert.equal(await found(own.client, { purl: 'pkg:npm/alpha', team_id: own.teamId }), ['Upgraded npm/alpha@2.0.0']);
});

const search = suite('listComponents');
search('by package URL, with its version or without, and by text in the name', async () => {
  const alphas = ['Blue one npm/alpha@1.0.0', 'Red one npm/alpha@1.0.0', 'Red one npm/alpha@1.1.0', 'Red two npm/alpha@1.0.0'];
  const of = (client: ContractClient, query: Query) => found(client, { team_id: client === red.client ? red.teamId : blue.teamId, ...query });
  assert.equal([...(await of(blue.client, { purl: 'pkg:npm/alpha' })), ...(await of(red.client, { purl: 'PKG:NPM/alpha' }))], alphas);
  assert.equal(await of(red.client, { purl: 'pkg:npm/alpha@1.0.0' }), ['Red one npm/alpha@1.0.0', 'Red two npm/alpha@1.0.0']);
  assert.equal(await of(red.client, { purl: 'pkg:npm/alpha', version: '1.1.0' }), ['Red one npm/alpha@1.1.0']);
  assert.equal(await of(red.client, { q: 'SCOPE/thi' }), ['Red one npm/%40scope/thing@1.0.0']);
  const debian = 'Red two deb/debian/alpha@1.0?arch=amd64&distro=debian-12';
  assert.equal(await of(red.client, { q: 'lph' }), ['Red one npm/alpha@1.0.0', 'Red one npm/alpha@1.1.0', debian, 'Red two npm/alpha@1.0.0']);
  assert.equal(await of(red.client, { purl: 'pkg:deb/debian/alpha@1.0?arch=amd64&other=x' }), [debian]);
  assert.equal(await of(red.client, { purl: 'pkg:deb/debian/alpha?arch=arm64' }), []);
  assert.equal([await of(red.client, { q: 'lph', vulnerable: false }), (await of(red.client, { q: 'lph', vulnerable: true })).length], [[debian], 3]);
  assert.equal(await of(red.client, { q: '%%%' }), []);
});
search('shows each caller their own projects, open ones, and none of the archive', async () => {
  assert.equal(await found(red.client, { purl: 'pkg:npm/gamma' }), ['Blue open npm/gamma@1.5.0']);
  assert.equal(await found(blue.client, { purl: 'pkg:npm/gamma' }), ['Blue one npm/gamma@1.5.0', 'Blue open npm/gamma@1.5.0']);
  assert.equal((await found(admin, { purl: 'pkg:npm/alpha' })).filter((one) => one.startsWith('Red gone')), []);
  const key = await issueKey(admin, { scope: 'project', project_id: redOne });
  assert.equal(new Set(await found(key.client, { q: 'alpha' })), new Set(['Red one npm/alpha@1.0.0', 'Red one npm/alpha@1.1.0']));
  const [item] = items(await blue.client.expect(200, 'listComponents', { query: { purl: 'pkg:npm/gamma', q: 'gam', limit: 1, sort: '-project' } }));
  assert.equal([item?.['project_id'], item?.['main_line'], item?.['refs'], item?.['vulnerability_count'], item?.['license_tier']], [open, true, ['main'], 1, 'unknown']);
});
search('refuses a search for nothing and a package URL that is none', async () => {
  await admin.refused('invalid-request', 'listComponents', { query: { version: '1.0.0' } });
  await admin.refused('invalid-request', 'listComponents', { query: { q: 'ab' } });
  await admin.refused('invalid-request', 'listComponents', { query: { purl: 'pkg:npm' } });
  await admin.refused('invalid-request', 'listComponents', { query: { purl: 'npm/alpha' } });
});

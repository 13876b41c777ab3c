/** The list of findings, what one finding tells, and how priorities follow what is known. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { itemsOf, member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal();
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H'; // 9.8
const MEDIUM = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N'; // 5.4
const chain = (...purls: string[]): FormData => sbomForm(cycloneDx(purls.map((purl, index) => ({ purl, dependsOn: purls.slice(index + 1, index + 2) }))));
const items = async (id: string, query: Record<string, string | number | boolean | string[]> = {}): Promise<Record<string, unknown>[]> => {
  return itemsOf((await admin.expect(200, 'listProjectVulnerabilities', { path: { id }, query })).body);
};
const names = async (id: string, query: Record<string, string | number | boolean | string[]> = {}): Promise<unknown[]> => (await items(id, query)).map((row) => row['cve_id']);
const detail = async (id: string) => (await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } })).body;
/** score cvss+kev+epss+fix+depth, of every finding, the stored score held against its parts. */
const priorities = async (id: string): Promise<Record<string, string>> =>
  Object.fromEntries((await items(id)).map((row) => {
    const parts = ['cvss', 'kev', 'epss', 'fix', 'depth'].map((name) => Number(member(row, 'priority', 'parts', name)));
    assert.is(member(row, 'priority', 'score'), parts.reduce((sum, part) => sum + part, 0));
    return [String(row['cve_id']), parts.join('+')];
  }));

await importFiles(portal.services,
  osv({ id: 'GHSA-1', aliases: ['CVE-2024-1001'], name: 'one', cvss: CRITICAL, cwes: ['CWE-79', 'CWE-20'] }),
  osv({ id: 'GHSA-2', aliases: ['CVE-2024-1002'], name: 'two', cvss: MEDIUM }),
  { id: 'GHSA-3', modified: '2024-01-01T00:00:00Z', aliases: ['CVE-2024-1003'], affected: [{ package: { ecosystem: 'npm', name: 'three' }, ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }] }] },
  'cve,epss,percentile\nCVE-2024-1002,0.25,0.9\nCVE-2024-1003,0.01,0.2\n');
const shared = await newProject(admin);
await scanToEnd(admin, shared, chain('pkg:npm/one@1.0.0', 'pkg:npm/two@1.0.0', 'pkg:npm/three@1.0.0'));

const list = suite('listProjectVulnerabilities');
list('comes by priority, which says how it is made up', async () => {
  assert.equal(await priorities(shared), { 'CVE-2024-1001': '39+0+0+10+5', 'CVE-2024-1002': '22+0+10+10+3', 'CVE-2024-1003': '20+0+2+0+1' });
  assert.equal(await names(shared), ['CVE-2024-1001', 'CVE-2024-1002', 'CVE-2024-1003']);
  assert.equal(await names(shared, { sort: 'priority' }), ['CVE-2024-1003', 'CVE-2024-1002', 'CVE-2024-1001']);
});
list('each filter leaves what it says, the total and the summary with it', async () => {
  const [first] = await items(shared, { q: 'CVE-2024-1001' });
  const component = String(first?.['component_id']);
  const cases: [Record<string, string | number | boolean | string[]>, number[]][] = [
    [{ severity: ['critical', 'medium'] }, [1, 2]], [{ severity: ['unknown'] }, [3]], [{ status: ['new'] }, [1, 2, 3]], [{ status: ['fixed'] }, []], [{ min_epss: 0.25 }, [2]], [{ min_epss: 0.01 }, [2, 3]],
    [{ fix_available: true }, [1, 2]], [{ fix_available: false }, [3]], [{ direct: true }, [1]], [{ direct: false }, [2, 3]], [{ kev: false }, [1, 2, 3]], [{ kev: true }, []], [{ cwe: 'CWE-79' }, [1]],
    [{ component_id: component }, [1]], [{ q: 'ghsa-3' }, [3]], [{ q: 'npm/two' }, [2]], [{ discovered_after: '2020-01-01T00:00:00Z', discovered_before: '2999-01-01T00:00:00Z' }, [1, 2, 3]],
    [{ discovered_before: '2020-01-01T00:00:00Z' }, []], [{ q: 'npm', min_epss: 0.01, direct: false, cwe: 'CWE-79', sort: 'component' }, []],
  ];
  for (const [query, expected] of cases) {
    const { body } = await admin.expect(200, 'listProjectVulnerabilities', { path: { id: shared }, query: { sort: 'cve_id', ...query } });
    const found = member(body, 'items');
    assert.equal(Array.isArray(found) ? found.map((row: unknown) => String(member(row, 'cve_id'))) : [], expected.map((last) => `CVE-2024-100${last}`), JSON.stringify(query));
    const summary = member(body, 'severity_summary');
    assert.is(member(body, 'total'), expected.length);
    assert.is(isRecord(summary) ? Object.values(summary).reduce((sum: number, count) => sum + Number(count), 0) : -1, expected.length);
  }
  await admin.refused('invalid-request', 'listProjectVulnerabilities', { path: { id: shared }, query: { cwe: '79' } });
});
list('every order holds over pages', async () => {
  for (const field of ['priority', 'severity', 'cvss', 'epss', 'status', 'component', 'cve_id', 'discovered_at', 'updated_at']) {
    for (const sort of [field, `-${field}`, `${field},-cve_id`]) {
      const whole = await names(shared, { sort });
      const paged = [];
      for (let offset = 0; offset < 3; offset += 1) paged.push(...(await names(shared, { sort, offset, limit: 1 })));
      assert.equal(paged, whole, sort);
      assert.is(new Set(whole).size, 3, sort);
    }
  }
});
list('a named scan shows its own components only, the current one what has become fixed too', async () => {
  const id = await newProject(admin);
  const { id: former } = await scanToEnd(admin, id, chain('pkg:npm/one@1.0.0'));
  const { id: current } = await scanToEnd(admin, id, chain('pkg:npm/two@1.0.0'));
  assert.equal(await names(id, { sort: 'cve_id' }), ['CVE-2024-1001', 'CVE-2024-1002']);
  assert.equal([await names(id, { scan_id: former }), await names(id, { scan_id: current })], [['CVE-2024-1001'], ['CVE-2024-1002']]);
  assert.equal(await names(id, { scan_id: former, direct: true, severity: ['critical'], q: 'one' }), ['CVE-2024-1001']);
});
list('what is only on another ref is listed when that becomes the main line', async () => {
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/one@1.0.0' }]), { ref: 'release' }));
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/two@1.0.0' }]), { ref: 'main' }));
  assert.equal(await names(id), ['CVE-2024-1002']);
  await admin.expect(200, 'updateProject', { path: { id }, headers: { 'If-Match': '1' }, json: { default_branch: 'release' } });
  assert.equal([await names(id), await priorities(id)], [['CVE-2024-1001'], { 'CVE-2024-1001': '39+0+0+10+5' }]);
});

const follow = suite('priorities');
follow('follow the place in the graph, EPSS, CISA\'s catalogue, severities and fixes', async () => {
  const record = (modified: string, fields: object = {}) => osv({ id: 'GHSA-f', aliases: ['CVE-2024-2001'], name: 'follow', modified, ...fields });
  await importFiles(portal.services, record('2024-01-01T00:00:00Z'));
  const id = await newProject(admin);
  await scanToEnd(admin, id, chain('pkg:npm/x@1', 'pkg:npm/follow@1.0.0'));
  const present = async () => (await priorities(id))['CVE-2024-2001'];
  assert.is(await present(), '20+0+0+10+3');
  await scanToEnd(admin, id, chain('pkg:npm/follow@1.0.0'));
  assert.is(await present(), '20+0+0+10+5');
  await importFiles(portal.services, 'cve,epss,percentile\nCVE-2024-1002,0.25,0.9\nCVE-2024-2001,1,1\n');
  assert.is(await present(), '20+0+20+10+5');
  await importFiles(portal.services, { catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2024-2001', dateAdded: '2024-05-01', dueDate: '2024-05-22' }] });
  assert.is(await present(), '20+25+20+10+5');
  assert.equal(await names(id, { kev: true }), ['CVE-2024-2001']);
  await importFiles(portal.services, record('2024-02-01T00:00:00Z', { cvss: CRITICAL, fixed: '9.0.0' }));
  assert.equal([await present(), await names(id, { severity: ['critical'] })], ['39+25+20+10+5', ['CVE-2024-2001']]);
  await importFiles(portal.services, { catalogVersion: '1', vulnerabilities: [] });
  assert.is(await present(), '39+0+20+10+5');
});

const get = suite('getVulnerabilityFinding');
get('tells the vulnerability, what is affected, the paths, the fix and the history', async () => {
  const [row] = await items(shared, { q: 'CVE-2024-1002' });
  const answer = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: String(row?.['id']) } });
  assert.is(answer.headers.get('ETag'), '"1"');
  const { body } = answer;
  assert.equal(['cve_id', 'aliases', 'severity', 'cvss_score', 'cvss_vector', 'status', 'analysis_state', 'fixed_version', 'direct', 'version'].map((name) => member(body, name)),
    ['CVE-2024-1002', ['GHSA-2'], 'medium', 5.4, MEDIUM, 'new', 'in_triage', '2.0.0', false, 1]);
  assert.equal(member(body, 'affected'), [{ advisory_id: 'GHSA-2', introduced: '0', fixed: '2.0.0', last_affected: null, limit: null, versions: [], packages: [], contains: true }]);
  assert.equal(member(body, 'dependency_paths'), [['pkg:npm/one@1.0.0', 'pkg:npm/two@1.0.0']]);
  assert.equal(member(body, 'upgrade_recommendation'), { recommended_version: '2.0.0', reason: 'ok', direct: false, finding_count: 1, max_severity: 'medium', max_epss: 0.25 });
  assert.equal([member(body, 'status_history', 0, 'event'), member(body, 'status_history', 0, 'previous_status'), member(body, 'status_history', 1)], ['opened', null, undefined]);
  await admin.refused('not-found', 'getVulnerabilityFinding', { path: { finding_id: crypto.randomUUID() } });
});
get('goes on when the scans that had the component have been swept: it is there, without paths, and can be triaged', async () => {
  const id = await newProject(admin);
  const first = await scanToEnd(admin, id, chain('pkg:npm/one@1.0.0'));
  const [row] = await items(id);
  await scanToEnd(admin, id, chain('pkg:npm/other@1.0.0'));
  await sql`DELETE FROM scans WHERE id = ${first.id}`.execute(db);
  const path = { finding_id: String(row?.['id']) };
  const { body, headers } = await admin.expect(200, 'getVulnerabilityFinding', { path });
  assert.equal([member(body, 'status'), member(body, 'dependency_paths')], ['fixed', []]);
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path, json: { status: 'analyzing' }, headers: { 'If-Match': headers.get('ETag') ?? '' } });
});
get('recommends the smallest version that no advisory calls affected, or says why there is none', async () => {
  const between = (id: string, introduced: string, fixed: string) => osv({ id, name: 'ladder', introduced, fixed });
  await importFiles(portal.services,
    between('GHSA-l1', '0', '1.5.0'), between('GHSA-l2', '1.2.0', '1.10.0'), between('GHSA-l3', '1.10.0', '2.0.0'), between('GHSA-l4', '3.0.0', '3.1.0'),
    { id: 'GHSA-l5', modified: '2024-01-01T00:00:00Z', affected: [{ package: { ecosystem: 'npm', name: 'ladder' }, versions: ['2.0.0'] }] }, between('GHSA-l6', '2.0.1', '2.0.3'));
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(cycloneDx(['1.0.0', '1.9.0', '2.0.2', '3.0.5', 'not-a-version'].map((version) => ({ purl: `pkg:npm/ladder@${version}` })))));
  const recommended = async (version: string): Promise<unknown[]> => {
    const [row] = await items(id, { q: `ladder@${version}` });
    if (row === undefined) return [];
    const found = member(await detail(String(row['id'])), 'upgrade_recommendation');
    return [member(found, 'reason'), member(found, 'recommended_version'), member(found, 'finding_count')];
  };
  // 1.5.0 and 1.10.0 are affected by others, 2.0.0 is listed: 2.0.3 is the first that nobody speaks of
  assert.equal(await recommended('1.0.0'), ['ok', '2.0.3', 1]);
  assert.equal(await recommended('1.9.0'), ['ok', '2.0.3', 1]);
  assert.equal(await recommended('2.0.2'), ['ok', '2.0.3', 1]);
  assert.equal(await recommended('3.0.5'), ['ok', '3.1.0', 1]);
  assert.equal(member(await detail(String((await items(shared, { q: 'npm/three' }))[0]?.['id'])), 'upgrade_recommendation', 'reason'), 'no_fix_version');
});
get('recommends nothing where nothing is open, or the version has no place in the order', async () => {
  await importFiles(portal.services, { id: 'GHSA-odd', modified: '2024-01-01T00:00:00Z', affected: [{ package: { ecosystem: 'npm', name: 'odd' }, versions: ['nightly'] }] });
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/odd@nightly' }])));
  const [row] = await items(id);
  assert.is(member(await detail(String(row?.['id'])), 'upgrade_recommendation', 'reason'), 'unparseable_version');
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: String(row?.['id']) }, headers: { 'If-Match': '1' }, json: { status: 'suppressed', justification: 'A nightly build of ours.' } });
  assert.is(member(await detail(String(row?.['id'])), 'upgrade_recommendation', 'reason'), 'no_open_findings');
});
get('shows links that are harmless to follow only', async () => {
  await importFiles(portal.services, { ...osv({ id: 'GHSA-links', name: 'links' }), references: [{ type: 'WEB', url: 'javascript:alert(1)' }, { type: 'WEB', url: 'https://example.com/a b' }, { type: 'FIX', url: 'nothing' }] });
  const id = await newProject(admin);
  await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/links@1.0.0' }])));
  assert.equal(member(await detail(String((await items(id))[0]?.['id'])), 'references'), [{ type: 'WEB', url: 'https://example.com/a%20b' }]);
});
get('is read by the team and, where the project is open to it, by the organisation, which does not triage', async () => {
  const owner = await newUser(anonymous, database, 'team_admin');
  const stranger = await newUser(anonymous, database, 'team_admin');
  const open = await newProject(owner.client, { visibility: 'organization' });
  await scanToEnd(owner.client, open, chain('pkg:npm/one@1.0.0'));
  const id = (await sql<{ id: string }>`SELECT id FROM findings WHERE project_id = ${open}`.execute(db)).rows[0]?.id ?? '';
  await stranger.client.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } });
  await stranger.client.refused('forbidden', 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': '1' }, json: { status: 'analyzing' } });
  await stranger.client.refused('forbidden', 'updateProjectVulnerabilityStatuses', { path: { id: open }, json: { status: 'analyzing', findings: [{ finding_id: id }] } });
});

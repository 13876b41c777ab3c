/** What differs between two scans: by counts, by components, by findings; and who may ask. */
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { isRecord } from '../../src/core/values.ts';
import { itemsOf, member, type CallOptions, type ContractClient } from '../support/contract.ts';
import { cycloneDx, LODASH, REQUESTS, sbomForm, type SbomPart } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
const developer = await newUser(anonymous, database, 'developer');
const stranger = await newUser(anonymous, database, 'team_admin');

type Query = NonNullable<CallOptions['query']>;
const named = (names: readonly string[]): SbomPart[] => names.map((name) => ({ purl: name.startsWith('pkg:') ? name : `pkg:npm/${name}`, license: 'MIT' }));
const scanOf = async (project: string, parts: readonly SbomPart[], fields: Record<string, string> = {}): Promise<string> => (await scanToEnd(admin, project, sbomForm(cycloneDx(parts), fields))).id;
const diffOf = async (id: string, query: Query = {}): Promise<unknown> => (await admin.expect(200, 'getScanDiff', { path: { id }, query })).body;
const changesOf = async (operationId: 'listScanDiffComponents' | 'listScanDiffFindings', id: string, query: Query = {}): Promise<Record<string, unknown>[]> => {
  const { body } = await admin.expect(200, operationId, { path: { id }, query });
  return itemsOf(body);
};
/** `change from to` of each, versions or whole package URLs of others than npm. */
const short = (part: unknown): string => (isRecord(part) && typeof part['purl'] === 'string' ? part['purl'].replace('pkg:npm/', '') : '-');
const changes = async (before: readonly string[], after: readonly string[]): Promise<string[]> => {
  const project = await newProject(admin);
  await scanOf(project, named(before));
  return (await changesOf('listScanDiffComponents', await scanOf(project, named(after)))).map((item) => `${String(item['change'])} ${short(item['from'])} ${short(item['to'])}`);
};

const diff = suite('getScanDiff');
diff('counts what is new, gone and changed, and what is not', async () => {
  const project = await newProject(admin);
  const before = await scanOf(project, [...named(['first@1.0.0', 'same@1.0.0', 'gone@1.0.0']), { purl: LODASH, license: 'MIT' }, { purl: 'pkg:npm/relicensed@1.0.0', license: 'MIT' }]);
  const after = await scanOf(project, [...named(['first@1.0.0', 'same@1.0.0', 'new@1.0.0']), { purl: REQUESTS }, { purl: 'pkg:npm/lodash@4.17.21', license: 'MIT' }, { purl: 'pkg:npm/relicensed@1.0.0', license: 'GPL-3.0-only' }]);
  const body = await diffOf(after);
  assert.equal([member(body, 'scan_id'), member(body, 'base_scan_id')], [after, before]);
  assert.equal(member(body, 'components'), { added: 2, changed: 2, removed: 1, unchanged: 2 });
  const findings = member(body, 'findings');
  const components = await changesOf('listScanDiffComponents', after);
  assert.equal(components.map((item) => [item['change'], item['name'], item['changes']]), [
    ['added', 'new', []], ['added', 'requests', []], ['changed', 'lodash', ['version']], ['changed', 'relicensed', ['license', 'license_tier']], ['removed', 'gone', []],
  ]);
  assert.equal(['version', 'license', 'license_tier'].map((name) => [member(components[3], 'from', name), member(components[3], 'to', name)]), [['1.0.0', '1.0.0'], ['MIT', 'GPL-3.0-only'], ['allowed', 'forbidden']]);
  assert.equal([components[0]?.['from'], components[4]?.['to']], [null, null]);

  const listed = await changesOf('listScanDiffFindings', after, { limit: 200 });
  for (const change of ['added', 'changed', 'removed']) assert.is(listed.filter((item) => item['change'] === change).length, member(findings, change), change);
  const lodash = listed.find((item) => item['cve_id'] === 'CVE-2021-23337');
  assert.equal([lodash?.['change'], lodash?.['status'], member(lodash, 'from', 'purl'), lodash?.['to']], ['removed', 'fixed', LODASH, null]);
  const requests = listed.filter((item) => member(item, 'to', 'purl') === REQUESTS);
  assert.ok(requests.length > 0 && requests.every((item) => item['change'] === 'added' && item['status'] === 'new' && item['from'] === null));
  const added = ['critical', 'high', 'medium', 'low', 'info', 'unknown'].map((severity) => Number(member(findings, 'added_by_severity', severity)));
  assert.is(added.reduce((sum, count) => sum + count), member(findings, 'added'));

  const back = await diffOf(before, { base: after });
  assert.equal(member(back, 'components'), { added: 1, changed: 2, removed: 2, unchanged: 2 });
  assert.equal([member(back, 'findings', 'added'), member(back, 'findings', 'removed'), member(back, 'findings', 'removed_by_severity')], [member(findings, 'removed'), member(findings, 'added'), member(findings, 'added_by_severity')]);
});
diff('a finding that goes along with a component to another version is changed, not new', async () => {
  const project = await newProject(admin);
  await scanOf(project, named(['lodash@4.17.19', 'pkg:npm/left@1.0.0']));
  const after = await scanOf(project, named(['lodash@4.17.20', 'pkg:npm/left@1.0.0']));
  const moved = (await changesOf('listScanDiffFindings', after, { change: ['changed'] })).find((item) => item['cve_id'] === 'CVE-2021-23337');
  assert.equal([member(moved, 'from', 'version'), member(moved, 'to', 'version'), moved?.['status']], ['4.17.19', '4.17.20', 'new']);
  assert.is(member(await diffOf(after), 'findings', 'added'), 0);
  assert.is((await changesOf('listScanDiffFindings', after, { status: ['suppressed'] })).length, 0);
});
diff('a scan against itself and the same document again differ in nothing', async () => {
  const project = await newProject(admin);
  const first = await scanOf(project, named(['lodash@4.17.20', 'b@1.0.0']));
  const second = await scanOf(project, named(['lodash@4.17.20', 'b@1.0.0']));
  for (const body of [await diffOf(first, { base: first }), await diffOf(second)]) {
    assert.equal(member(body, 'components'), { added: 0, changed: 0, removed: 0, unchanged: 2 });
    assert.equal([member(body, 'findings', 'added'), member(body, 'findings', 'removed'), member(body, 'findings', 'changed')], [0, 0, 0]);
    assert.ok(Number(member(body, 'findings', 'unchanged')) > 0);
  }
  assert.equal(await changesOf('listScanDiffComponents', second), []);
  assert.equal(await changesOf('listScanDiffFindings', second), []);
});
diff('without base: the scan before of the same ref, else the current one, else nothing', async () => {
  const project = await newProject(admin, { default_branch: 'main' });
  const baseOf = async (id: string) => member(await diffOf(id), 'base_scan_id');
  const main1 = await scanOf(project, named(['a@1.0.0']), { ref: 'main' });
  assert.is(await baseOf(main1), null);
  assert.equal(member(await diffOf(main1), 'components'), { added: 1, changed: 0, removed: 0, unchanged: 0 });
  const pull1 = await scanOf(project, named(['a@1.0.0']), { ref: 'pr-7' });
  assert.is(await baseOf(pull1), main1);
  const main2 = await scanOf(project, named(['a@2.0.0']), { ref: 'main' });
  assert.equal([await baseOf(main2), await baseOf(pull1)], [main1, main2]);
  await scanToEnd(admin, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{', { ref: 'pr-7' }));
  assert.is(await baseOf(await scanOf(project, named(['a@1.0.0']), { ref: 'pr-7' })), pull1);
});
diff('a base that is no scan of the project is 400, whether it exists or not', async () => {
  const project = await newProject(admin);
  const scan = await scanOf(project, named(['a@1.0.0']));
  const secret = await scanToEnd(stranger.client, await newProject(stranger.client), sbomForm(cycloneDx(named(['a@1.0.0']))));
  const answers: unknown[] = [];
  for (const base of [secret.id, crypto.randomUUID()]) {
    for (const operationId of ['getScanDiff', 'listScanDiffComponents', 'listScanDiffFindings'] as const) {
      const { status, detail, errors } = await admin.refused('invalid-request', operationId, { path: { id: scan }, query: { base } });
      answers.push([status, detail, errors]);
    }
  }
  assert.is(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  await admin.refused('invalid-request', 'getScanDiff', { path: { id: scan }, query: { base: 'nonsense' } });
  await admin.refused('invalid-request', 'listScanDiffFindings', { path: { id: scan }, query: { sort: 'nope' } });
  await admin.refused('invalid-request', 'listScanDiffComponents', { path: { id: scan }, query: { change: ['lost'] } });
});
diff('is for those who may see the project', async () => {
  const project = String(member((await developer.client.expect(201, 'createProject', { json: { name: 'Guarded', team_id: developer.teamId } })).body, 'id'));
  const { id } = await scanToEnd(developer.client, project, sbomForm(cycloneDx(named(['a@1.0.0']))));
  const asks = async (client: ContractClient) => (await client.call('getScanDiff', { path: { id } })).status;
  assert.equal([await asks(developer.client), await asks(admin), await asks(stranger.client), await asks(anonymous)], [200, 200, 403, 401]);
  for (const operationId of ['listScanDiffComponents', 'listScanDiffFindings'] as const) await stranger.client.refused('forbidden', operationId, { path: { id } });
  await admin.refused('not-found', 'getScanDiff', { path: { id: crypto.randomUUID() } });
});
diff('both scans must be done, and with results', async () => {
  const project = await newProject(admin);
  const done = await scanOf(project, named(['a@1.0.0']));
  const failed = (await scanToEnd(admin, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{'))).id;
  const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind, ref) VALUES (${project}, 'sbom', 'waits') RETURNING id`.execute(database.db);
  const waiting = rows[0]?.id ?? '';
  for (const other of [failed, waiting]) {
    for (const operationId of ['getScanDiff', 'listScanDiffComponents', 'listScanDiffFindings'] as const) {
      await admin.refused('scan-not-finished', operationId, { path: { id: other }, query: { base: done } });
      await admin.refused('scan-not-finished', operationId, { path: { id: done }, query: { base: other } });
    }
  }
});

const pairing = suite('listScanDiffComponents');
pairing('versions of one package pair within their major version first, the newest with the newest', async () => {
  assert.equal(await changes(['a@1.0.0'], ['a@3.0.0']), ['changed a@1.0.0 a@3.0.0']);
  assert.equal(await changes(['a@1.0.0', 'a@2.0.0'], ['a@1.1.0', 'a@2.0.0']), ['changed a@1.0.0 a@1.1.0']);
  assert.equal(await changes(['a@1.0.0', 'a@2.0.0'], ['a@2.1.0', 'a@1.1.0']), ['changed a@1.0.0 a@1.1.0', 'changed a@2.0.0 a@2.1.0']);
  assert.equal(await changes(['a@1.9.0', 'a@1.10.0'], ['a@1.11.0']), ['changed a@1.10.0 a@1.11.0', 'removed a@1.9.0 -']);
  assert.equal(await changes(['a@1.0.0', 'a@2.0.0'], ['a@3.0.0', 'b@1.0.0']), ['added - b@1.0.0', 'changed a@2.0.0 a@3.0.0', 'removed a@1.0.0 -']);
  assert.equal(await changes(['a@2.0.0'], ['a@1.0.0', 'a@2.0.1']), ['added - a@1.0.0', 'changed a@2.0.0 a@2.0.1']);
});
pairing('qualifiers tell packages apart, but not those that say where they come from', async () => {
  const deb = (version: string, qualifiers: string): string => `pkg:deb/debian/curl@${version}?${qualifiers}`;
  assert.equal(await changes([deb('7.0', 'arch=amd64'), deb('7.0', 'arch=i386')], [deb('8.0', 'arch=amd64')]),
    [`changed ${deb('7.0', 'arch=amd64')} ${deb('8.0', 'arch=amd64')}`, `removed ${deb('7.0', 'arch=i386')} -`]);
  const project = await newProject(admin);
  await scanOf(project, named([deb('7.0', 'arch=amd64&distro=debian-11')]));
  const [item] = await changesOf('listScanDiffComponents', await scanOf(project, named([deb('7.0', 'arch=amd64&distro=debian-12')])));
  assert.equal([item?.['change'], item?.['changes']], ['changed', ['variant']]);
});
pairing('namespaces and types tell packages apart', async () => {
  assert.equal(await changes(['pkg:npm/%40x/a@1.0.0'], ['pkg:npm/%40y/a@1.0.0', 'pkg:pypi/a@1.0.0']), ['added - %40y/a@1.0.0', 'added - pkg:pypi/a@1.0.0', 'removed %40x/a@1.0.0 -']);
});
pairing('pages join to the whole in every order', async () => {
  const project = await newProject(admin);
  await scanOf(project, named(Array.from({ length: 20 }, (_, index) => `p${index}@1.0.0`)));
  const id = await scanOf(project, named([...Array.from({ length: 12 }, (_, index) => `p${index}@2.0.0`), ...Array.from({ length: 5 }, (_, index) => `q${index}@1.0.0`), 'lodash@4.17.20']));
  for (const sort of ['change', '-change', 'name', '-name', 'purl', 'change,-name']) {
    const whole = await changesOf('listScanDiffComponents', id, { sort, limit: 200 });
    assert.is(whole.length, 26);
    const joined: unknown[] = [];
    for (let offset = 0; offset < whole.length; offset += 4) joined.push(...(await changesOf('listScanDiffComponents', id, { sort, limit: 4, offset })));
    assert.equal(joined, whole, sort);
  }
  const { body } = await admin.expect(200, 'listScanDiffComponents', { path: { id }, query: { change: ['removed'], offset: 1_000_000 } });
  assert.equal([member(body, 'items'), member(body, 'total')], [[], 8]);
  const all = await changesOf('listScanDiffFindings', id, { limit: 200 });
  for (const sort of ['severity', '-cvss', 'cve_id', '-component', 'change,severity']) assert.equal(new Set((await changesOf('listScanDiffFindings', id, { sort })).map((item) => item['finding_id'])), new Set(all.map((item) => item['finding_id'])));
  assert.is((await changesOf('listScanDiffFindings', id, { severity: ['high'] })).length, all.filter((item) => item['severity'] === 'high').length);
});

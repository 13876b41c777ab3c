/** Licences of components: what is declared, what people conclude, and the findings behind the list. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import spdxTexts from 'spdx-license-list/spdx-full.json' with { type: 'json' };
import { itemsOf, member } from '../support/contract.ts';
import { cycloneDx, fileForm, sbomForm, tarGz } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const teamAdmin = await newUser(anonymous, database, 'team_admin');
const { teamId } = teamAdmin;
const developer = await newUser(anonymous, database, 'developer', teamId);
const outsider = await newUser(anonymous, database, 'team_admin');
const SBOM = cycloneDx([{ purl: 'pkg:npm/mystery@0.1.0' }, { purl: 'pkg:npm/free@1.0.0', license: 'MIT' }, { purl: 'pkg:npm/free@2.0.0', license: 'MIT' }, { purl: 'pkg:npm/both@1.0.0', license: 'MIT AND GPL-3.0-only' }]);
async function scanned(): Promise<string> {
  const project = await newProject(teamAdmin.client, { team_id: teamId });
  await scanToEnd(teamAdmin.client, project, sbomForm(SBOM));
  return project;
}
const component = async (project: string, q: string) => itemsOf((await developer.client.expect(200, 'listProjectComponents', { path: { id: project }, query: { q } })).body)[0] ?? {};
const licenses = async (project: string, query: Record<string, string | string[]> = {}) => itemsOf((await developer.client.expect(200, 'listProjectLicenses', { path: { id: project }, query })).body);

const finding = suite('getLicenseFinding');
finding('tells the licence and the components of the current scan that have it', async () => {
  const project = await scanned();
  const mit = (await licenses(project)).find((row) => row['spdx_id'] === 'MIT');
  const path = { finding_id: String(mit?.['sample_finding_id']) };
  const { body } = await developer.client.expect(200, 'getLicenseFinding', { path });
  assert.equal(['spdx_id', 'name', 'tier', 'finding_kind', 'affected_components_total', 'affected_components_truncated', 'source_path', 'is_osi_approved'].map((name) => member(body, name)), ['MIT', 'MIT License', 'allowed', 'declared', 3, false, null, true]);
  assert.equal(member(body, 'affected_components', 1, 'purl'), 'pkg:npm/free@1.0.0');
  await outsider.client.refused('forbidden', 'getLicenseFinding', { path });
  await developer.client.refused('not-found', 'getLicenseFinding', { path: { finding_id: crypto.randomUUID() } });
});

const conclude = suite('replaceConcludedLicense');
const put = (id: unknown, expression: string, ifMatch?: number, client = teamAdmin.client) =>
  client.call('replaceConcludedLicense', { path: { component_id: String(id) }, json: { expression, justification: 'read in its repository' }, headers: ifMatch === undefined ? {} : { 'If-Match': String(ifMatch) } });
conclude('counts at once, before what is declared, and across scans; taken back, the declared licence counts again', async () => {
  const project = await scanned();
  const { id } = await component(project, 'mystery');
  const first = await put(id, 'apache-2.0 or (gpl-2.0+)');
  assert.equal([first.status, member(first.body, 'expression'), first.headers.get('ETag'), member(first.body, 'concluded_by_user_id')], [200, 'Apache-2.0 OR GPL-2.0-or-later', '"1"', teamAdmin.id]);
  const seen = async (name: string) => [(await component(project, name))['license'], (await component(project, name))['license_tier']];
  assert.equal(await seen('mystery'), ['Apache-2.0 OR GPL-2.0-or-later', 'allowed']);
  assert.equal((await licenses(project, { kind: ['concluded'] })).map((row) => row['spdx_id']).toSorted(), ['Apache-2.0', 'GPL-2.0-or-later']);
  await scanToEnd(teamAdmin.client, project, sbomForm(SBOM));
  assert.equal(await seen('mystery'), ['Apache-2.0 OR GPL-2.0-or-later', 'allowed']);
  const both = (await component(project, 'both'))['id'];
  assert.is((await put(both, 'MIT')).status, 200);
  assert.equal(await seen('both'), ['MIT', 'allowed']);
  const detail = (await developer.client.expect(200, 'getComponent', { path: { component_id: String(both) } })).body;
  assert.equal([member(detail, 'license'), member(detail, 'license_declared'), member(detail, 'concluded_license', 'expression'), member(detail, 'concluded_license', 'version')], ['MIT', 'MIT AND GPL-3.0-only', 'MIT', 1]);
  const path = { component_id: String(both) };
  await teamAdmin.client.refused('precondition-required', 'deleteConcludedLicense', { path });
  await teamAdmin.client.refused('precondition-failed', 'deleteConcludedLicense', { path, headers: { 'If-Match': '7' } });
  await developer.client.refused('forbidden', 'deleteConcludedLicense', { path, headers: { 'If-Match': '1' } });
  await teamAdmin.client.expect(204, 'deleteConcludedLicense', { path, headers: { 'If-Match': '1' } });
  await teamAdmin.client.refused('not-found', 'deleteConcludedLicense', { path, headers: { 'If-Match': '1' } });
  assert.equal([await seen('both'), (await licenses(project, { kind: ['concluded'] })).length], [['MIT AND GPL-3.0-only', 'forbidden'], 2]);
});
conclude('a conditional conclusion opens an approval', async () => {
  const project = await scanned();
  const { id } = await component(project, 'mystery');
  await put(id, 'MPL-2.0');
  assert.equal(itemsOf((await admin.expect(200, 'listApprovals', { query: { project_id: project } })).body).map((row) => [row['component_id'], row['license_expression']]), [[id, 'MPL-2.0']]);
});
conclude('needs the version of what it replaces; of two at once one wins', async () => {
  const project = await scanned();
  const { id } = await component(project, 'mystery');
  assert.equal((await Promise.all([put(id, 'MIT'), put(id, 'ISC')])).map(({ status }) => status).toSorted(), [200, 428]);
  assert.equal((await Promise.all([put(id, 'MIT', 1), put(id, 'ISC', 1)])).map(({ status }) => status).toSorted(), [200, 412]);
  assert.is((await put((await component(project, 'both'))['id'], 'MIT', 3)).status, 412);
});
conclude('refuses garbage, unknown ids, who may not, and archived projects', async () => {
  const project = await scanned();
  const { id } = await component(project, 'mystery');
  for (const [expression, message] of [['MIT OR', /ends where a licence should be/], ['NOASSERTION', /not on the SPDX list/], ['Mitt', /write LicenseRef-Mitt/], [`${'('.repeat(99)}MIT${')'.repeat(99)}`, /nested deeper/]] as const) {
    const { status, body } = await put(id, expression);
    assert.is(status, 422);
    assert.equal(member(body, 'errors', 0, 'pointer'), '/expression');
    assert.match(String(member(body, 'errors', 0, 'message')), message);
  }
  assert.equal([(await put(id, 'MIT', undefined, developer.client)).status, (await put(id, 'MIT', undefined, outsider.client)).status, (await put(crypto.randomUUID(), 'MIT')).status], [403, 403, 404]);
  assert.is((await put(id, 'LicenseRef-own')).status, 200);
  await teamAdmin.client.expect(204, 'deleteProject', { path: { id: project } });
  await teamAdmin.client.refused('project-archived', 'replaceConcludedLicense', { path: { component_id: String(id) }, json: { expression: 'MIT', justification: 'read in its repository' }, headers: { 'If-Match': '1' } });
  await teamAdmin.client.refused('project-archived', 'deleteConcludedLicense', { path: { component_id: String(id) }, headers: { 'If-Match': '1' } });
});
conclude('a conclusion that comes while a scan publishes is in it', async () => {
  const project = await scanned();
  const { id } = await component(project, 'mystery');
  await Promise.all([scanToEnd(teamAdmin.client, project, sbomForm(SBOM)), ...Array.from({ length: 10 }, (_, version) => put(id, version % 2 === 0 ? 'MIT' : 'ISC', version === 0 ? undefined : version))]);
  const { rows } = await sql<{ same: boolean }>`
    SELECT sc.license_concluded = cl.expression AS same FROM projects p JOIN scan_components sc ON sc.scan_id = p.current_scan_id JOIN concluded_licenses cl ON cl.component_id = sc.component_id
    WHERE p.id = ${project}`.execute(database.db);
  assert.equal(rows, [{ same: true }]);
});

const detect = suite('licences detected in files');
detect('count where nothing is declared, are kept apart from what is declared, and go with the files', async () => {
  const lock = JSON.stringify({ name: 'app', lockfileVersion: 3, packages: { '': { dependencies: { bare: '1.0.0', lies: '1.0.0' } }, 'node_modules/bare': { version: '1.0.0' }, 'node_modules/lies': { version: '1.0.0', license: 'MIT' } } });
  const project = await newProject(teamAdmin.client, { team_id: teamId });
  const scan = async (files: Record<string, string>) => scanToEnd(teamAdmin.client, project, fileForm('archive', await tarGz({ 'package-lock.json': lock, ...files }), 'source.tar.gz'));
  const { id } = await scan({ LICENSE: 'SPDX-License-Identifier: Apache-2.0\n', 'node_modules/bare/LICENSE': `Copyright (c) 2020 Somebody\n\n${spdxTexts['MPL-2.0'].licenseText}`, 'node_modules/lies/COPYING': spdxTexts['GPL-3.0-only'].licenseText });
  const seen = async (name: string) => [(await component(project, name))['license'], (await component(project, name))['license_tier']];
  assert.equal([await seen('bare'), await seen('lies')], [['MPL-2.0', 'conditional'], ['MIT', 'allowed']]);
  const found = await licenses(project, { kind: ['detected'] });
  assert.equal(found.map((row) => row['spdx_id']).toSorted(), ['GPL-3.0-only', 'MPL-2.0']);
  const gpl = found.find((row) => row['spdx_id'] === 'GPL-3.0-only');
  const { body } = await developer.client.expect(200, 'getLicenseFinding', { path: { finding_id: String(gpl?.['sample_finding_id']) } });
  assert.equal([member(body, 'finding_kind'), member(body, 'source_path'), member(body, 'affected_components_total')], ['detected', 'node_modules/lies/COPYING', 1]);
  const { rows } = await sql<{ own_license: string }>`SELECT own_license FROM scans WHERE id = ${id}`.execute(database.db);
  assert.equal(rows, [{ own_license: 'Apache-2.0' }]);
  await scan({});
  assert.equal([await seen('bare'), (await licenses(project, { kind: ['detected'] })).length], [[null, 'unknown'], 0]);
});

const conflict = suite('listProjectLicenseConflicts');
conflict('reports both sides with their paths, and the product itself', async () => {
  const sbom = cycloneDx([
    { purl: 'pkg:npm/top@1.0.0', license: 'MIT', dependsOn: ['pkg:npm/gpl@1.0.0', 'pkg:npm/choice@1.0.0'] }, { purl: 'pkg:npm/gpl@1.0.0', license: 'GPL-2.0-only', dependsOn: ['pkg:npm/apache@1.0.0'] },
    { purl: 'pkg:npm/apache@1.0.0', license: 'Apache-2.0' }, { purl: 'pkg:npm/choice@1.0.0', license: 'MIT OR GPL-3.0-only' },
  ]);
  const conflicts = async (id: string, query: Record<string, number> = {}) => (await developer.client.expect(200, 'listProjectLicenseConflicts', { path: { id }, query })).body;
  const made = async (distribution: string) => {
    const id = await newProject(teamAdmin.client, { team_id: teamId, distribution });
    await scanToEnd(teamAdmin.client, id, sbomForm(sbom));
    return id;
  };
  const project = await made('distributed');
  const body = await conflicts(project);
  assert.is(member(body, 'total'), 1);
  assert.equal(['first', 'second'].map((side) => [member(body, 'items', 0, side, 'license'), member(body, 'items', 0, side, 'component', 'purl'), member(body, 'items', 0, side, 'path'), member(body, 'items', 0, side, 'components_total')]), [
    ['Apache-2.0', 'pkg:npm/apache@1.0.0', ['pkg:npm/top@1.0.0', 'pkg:npm/gpl@1.0.0', 'pkg:npm/apache@1.0.0'], 1], ['GPL-2.0-only', 'pkg:npm/gpl@1.0.0', ['pkg:npm/top@1.0.0', 'pkg:npm/gpl@1.0.0'], 1],
  ]);
  assert.equal([itemsOf(await conflicts(project, { offset: 1 })), member(await conflicts(await made('saas')), 'total'), member(await conflicts(await made('internal')), 'total')], [[], 0, 0]);
  await outsider.client.refused('forbidden', 'listProjectLicenseConflicts', { path: { id: project } });
  const own = await newProject(teamAdmin.client, { team_id: teamId });
  const lock = JSON.stringify({ name: 'app', lockfileVersion: 3, packages: { '': { dependencies: { gpl: '1.0.0' } }, 'node_modules/gpl': { version: '1.0.0', license: 'GPL-3.0-only' } } });
  await scanToEnd(teamAdmin.client, own, fileForm('archive', await tarGz({ 'package-lock.json': lock, 'LICENSE.txt': 'SPDX-License-Identifier: LicenseRef-Acme-EULA' }), 'source.tar.gz'));
  const mine = await conflicts(own);
  assert.equal([member(mine, 'items', 0, 'first', 'license'), member(mine, 'items', 0, 'first', 'component'), member(mine, 'items', 0, 'second', 'license')], ['LicenseRef-Acme-EULA', null, 'GPL-3.0-only']);
});

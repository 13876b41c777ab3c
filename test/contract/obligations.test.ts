/** Obligations: what licences demand by distribution, and how far a project has come with each. */
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { itemsOf, member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const developer = await newUser(anonymous, database, 'developer');
const outsider = await newUser(anonymous, database, 'team_admin');
const LICENSES = ['MIT', 'MIT', 'Apache-2.0', 'AGPL-3.0-only', 'MIT OR GPL-3.0-only', 'GPL-2.0-only WITH Classpath-exception-2.0', 'CC-BY-NC-4.0', 'Unlicense', 'LicenseRef-acme'];
const SBOM = cycloneDx(LICENSES.map((license, index) => ({ purl: `pkg:npm/part${index}@1.0.0`, license })));
async function scanned(distribution: string, sbom = SBOM): Promise<string> {
  const project = await newProject(developer.client, { team_id: developer.teamId, distribution });
  await scanToEnd(developer.client, project, sbomForm(sbom));
  return project;
}
const list = async (project: string, query: Record<string, string | number | string[]> = {}) => (await developer.client.expect(200, 'listProjectObligations', { path: { id: project }, query: { limit: 200, ...query } })).body;
const kinds = async (project: string, license: string) => itemsOf(await list(project)).filter((row) => row['license_spdx_id'] === license).map((row) => row['kind']).toSorted();

const listing = suite('listProjectObligations');
listing('distributed: all duties, of an OR those of the choice, of an exception what it leaves', async () => {
  const project = await scanned('distributed');
  assert.equal(await kinds(project, 'MIT'), ['attribution', 'include_license_text']);
  assert.equal(await kinds(project, 'Apache-2.0'), ['attribution', 'include_license_text', 'no_trademark', 'notice_file', 'patent_grant', 'patent_termination', 'state_changes']);
  assert.equal(await kinds(project, 'AGPL-3.0-only'), ['attribution', 'disclose_source', 'include_license_text', 'network_use_discloses', 'patent_grant', 'patent_termination', 'same_license', 'state_changes']);
  assert.equal([await kinds(project, 'GPL-3.0-only'), await kinds(project, 'Unlicense'), await kinds(project, 'LicenseRef-acme')], [[], [], []]);
  const body = await list(project);
  assert.equal(itemsOf(body).filter((row) => row['license_spdx_id'] === 'MIT').map((row) => row['affected_count']), [3, 3]);
  const classpath = itemsOf(body).find((row) => row['license_spdx_id'] === 'GPL-2.0-only' && row['kind'] === 'same_license');
  assert.match(String(classpath?.['license_name']), /with Classpath-exception-2\.0$/);
  assert.match(String(classpath?.['text']), /does not reach other code/);
  assert.is(classpath?.['tier'], 'conditional');
  const counted = Object.values(member(body, 'distribution') ?? {}).reduce((sum: number, count) => sum + Number(count), 0);
  assert.is(counted, member(body, 'total'));
});
listing('a service owes what reaches its users, internal use what comes with use', async () => {
  const saas = await scanned('saas');
  assert.equal([await kinds(saas, 'MIT'), await kinds(saas, 'AGPL-3.0-only'), await kinds(saas, 'CC-BY-NC-4.0')], [[], ['network_use_discloses', 'patent_termination'], ['non_commercial']]);
  const internal = await scanned('internal');
  assert.equal([await kinds(internal, 'AGPL-3.0-only'), await kinds(internal, 'CC-BY-NC-4.0'), await kinds(internal, 'Apache-2.0')], [['patent_termination'], ['non_commercial'], ['patent_termination']]);
});
listing('filters, sorts and pages', async () => {
  const project = await scanned('distributed');
  const count = async (query: Record<string, string | number | string[]>) => Number(member(await list(project, query), 'total'));
  const all = await count({});
  assert.is(await count({ kind: ['non_commercial', 'notice_file'] }), 2);
  assert.is(await count({ tier: ['allowed'] }) + await count({ tier: ['conditional', 'forbidden', 'unknown'] }), all);
  assert.equal([await count({ q: 'aPaChE' }), await count({ q: 'no such words' }), await count({ status: ['open'] }), await count({ status: ['fulfilled'] })], [7, 0, all, 0]);
  for (const sort of ['tier', '-license_name', 'kind', '-affected_count', 'status']) assert.is(await count({ sort }), all);
  assert.is(itemsOf(await list(project))[0]?.['tier'], 'forbidden');
  assert.is(itemsOf(await list(project, { sort: '-tier' }))[0]?.['tier'], 'allowed');
  const pages = [...itemsOf(await list(project, { limit: 5 })), ...itemsOf(await list(project, { limit: 5, offset: 5 }))];
  assert.equal(pages.map((row) => row['id']), itemsOf(await list(project)).slice(0, 10).map((row) => row['id']));
  assert.equal(itemsOf(await list(await newProject(developer.client, { team_id: developer.teamId }))), []);
});
listing('what only builds or tests the product brings none', async () => {
  const sbom: unknown = JSON.parse(cycloneDx([{ purl: 'pkg:npm/tool@1.0.0', license: 'GPL-3.0-only' }]));
  const component = member(sbom, 'components', 0);
  if (isRecord(component)) component['scope'] = 'excluded';
  assert.equal(itemsOf(await list(await scanned('distributed', JSON.stringify(sbom)))), []);
});

const one = suite('getProjectObligation');
one('tells the components that bring it; another project\'s or scan\'s is not there', async () => {
  const project = await scanned('distributed');
  const mit = itemsOf(await list(project)).find((row) => row['license_spdx_id'] === 'MIT');
  const { body, headers } = await developer.client.expect(200, 'getProjectObligation', { path: { id: project, obligation_id: String(mit?.['id']) } });
  assert.equal([headers.get('ETag'), member(body, 'affected_components_total'), member(body, 'affected_components', 2, 'purl')], ['"1"', 3, 'pkg:npm/part4@1.0.0']);
  const bare = await newProject(developer.client, { team_id: developer.teamId });
  await developer.client.refused('not-found', 'getProjectObligation', { path: { id: bare, obligation_id: String(mit?.['id']) } });
  await outsider.client.refused('forbidden', 'getProjectObligation', { path: { id: project, obligation_id: String(mit?.['id']) } });
});

const update = suite('updateProjectObligation');
update('keeps status and note across scans, and lets one of two writers win', async () => {
  const project = await scanned('distributed');
  const id = String(itemsOf(await list(project, { kind: ['notice_file'] }))[0]?.['id']);
  const patch = (json: unknown, version?: number) => developer.client.call('updateProjectObligation', { path: { id: project, obligation_id: id }, json, headers: version === undefined ? {} : { 'If-Match': `"${version}"` } });
  assert.is((await patch({ status: 'fulfilled' })).status, 428);
  assert.is((await patch({ status: 'fulfilled' }, 2)).status, 412);
  assert.is((await patch({}, 1)).status, 422);
  const first = await Promise.all([patch({ status: 'in_progress', note: 'a' }, 1), patch({ status: 'fulfilled', note: 'b' }, 1)]);
  assert.equal(first.map(({ status }) => status).toSorted(), [200, 412]);
  const second = await Promise.all([patch({ status: 'fulfilled' }, 2), patch({ note: null }, 2)]);
  assert.equal(second.map(({ status }) => status).toSorted(), [200, 412]);
  assert.is((await patch({ status: 'fulfilled', note: 'in the about page' }, 3)).status, 200);
  await scanToEnd(developer.client, project, sbomForm(SBOM));
  const { body } = await developer.client.expect(200, 'getProjectObligation', { path: { id: project, obligation_id: id } });
  assert.equal([member(body, 'status'), member(body, 'note'), member(body, 'updated_by_user_id'), member(body, 'version')], ['fulfilled', 'in the about page', developer.id, 4]);
  assert.equal(itemsOf(await list(project, { status: ['fulfilled'] })).map((row) => row['id']), [id]);
  await outsider.client.refused('forbidden', 'updateProjectObligation', { path: { id: project, obligation_id: id }, json: { status: 'open' } });
  await developer.client.refused('not-found', 'updateProjectObligation', { path: { id: project, obligation_id: crypto.randomUUID() }, json: { status: 'open' }, headers: { 'If-Match': '1' } });
  await admin.expect(204, 'deleteProject', { path: { id: project } });
  await developer.client.refused('project-archived', 'updateProjectObligation', { path: { id: project, obligation_id: id }, json: { status: 'open' }, headers: { 'If-Match': '4' } });
});

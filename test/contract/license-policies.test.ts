/** Licence policies: who makes them, what they change and when, and the policy in effect. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { lapseLicensePolicies, rejudgeLicenses } from '../../src/domain/licenses/rejudge.ts';
import { issueKey } from '../support/api-keys.ts';
import { itemsOf, member, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
const { services } = portal;
const { db } = database;
const SBOM = cycloneDx([
  { purl: 'pkg:npm/gpl@1.0.0', license: 'GPL-3.0-only' }, { purl: 'pkg:npm/choice@1.0.0', license: 'GPL-3.0-only OR MPL-2.0' }, { purl: 'pkg:npm/%40acme/own@1.0.0', license: 'LicenseRef-acme' },
  { purl: 'pkg:npm/plain@1.0.0', license: 'MIT' }, { purl: 'pkg:npm/nothing@1.0.0' },
]);

interface Team {
  id: string;
  admin: ContractClient;
  developer: ContractClient;
  project: string;
  tiers: () => Promise<Record<string, unknown>>;
}
async function team(): Promise<Team> {
  const { teamId, client } = await newUser(anonymous, database, 'team_admin');
  const project = await newProject(client, { team_id: teamId });
  await scanToEnd(client, project, sbomForm(SBOM));
  const tiers = async () => Object.fromEntries(itemsOf((await client.expect(200, 'listProjectComponents', { path: { id: project } })).body).map((row) => [String(row['name']), row['license_tier']]));
  return { id: teamId, admin: client, developer: (await newUser(anonymous, database, 'developer', teamId)).client, project, tiers };
}
const CATALOGUE = { gpl: 'forbidden', choice: 'conditional', own: 'unknown', plain: 'allowed', nothing: 'unknown' };
const create = async (client: ContractClient, json: Record<string, unknown>) => (await client.expect(201, 'createLicensePolicy', { json })).body;
const rejudge = (teamId: string | null) => rejudgeLicenses(services, teamId);

const policies = suite('createLicensePolicy');
policies('a licence policy counts inside expressions; another team does not notice; the next scan has it, and the lists show it', async () => {
  const [one, other] = [await team(), await team()];
  assert.equal(await one.tiers(), CATALOGUE);
  await create(one.admin, { scope: 'team', team_id: one.id, license: 'GPL-3.0', tier: 'allowed', reason: 'we publish our source' });
  await create(one.admin, { scope: 'team', team_id: one.id, license: 'MIT', tier: 'conditional' });
  await rejudge(one.id);
  const expected = { ...CATALOGUE, gpl: 'allowed', choice: 'allowed', plain: 'conditional' };
  assert.equal([await one.tiers(), await other.tiers()], [expected, CATALOGUE]);
  await scanToEnd(one.admin, one.project, sbomForm(SBOM));
  assert.equal(await one.tiers(), expected);
  const listed = itemsOf((await one.developer.expect(200, 'listProjectLicenses', { path: { id: one.project }, query: { tier: ['conditional'] } })).body);
  assert.equal(listed.map((row) => [row['spdx_id'], row['tier']]).toSorted(), [['MIT', 'conditional'], ['MPL-2.0', 'conditional']]);
  const approvals = itemsOf((await one.developer.expect(200, 'listApprovals', { query: { project_id: one.project, status: ['pending'] } })).body);
  assert.equal(approvals.map((row) => row['component_name']).toSorted(), ['choice', 'plain']);
});
policies('a component policy counts before licences, the longest pattern first, the team\'s before the organisation\'s', async () => {
  const one = await team();
  const organisation = await create(admin, { scope: 'organization', purl_pattern: 'pkg:npm/%40acme/*', tier: 'allowed' });
  const second = await create(admin, { scope: 'organization', license: 'MIT', tier: 'forbidden' });
  const third = await create(admin, { scope: 'organization', purl_pattern: 'pkg:npm/n_thing@*', tier: 'allowed' });
  await create(one.admin, { scope: 'team', team_id: one.id, license: 'MIT', tier: 'conditional' });
  await rejudge(null);
  assert.equal(await one.tiers(), { ...CATALOGUE, own: 'allowed', plain: 'conditional' });
  await create(one.admin, { scope: 'team', team_id: one.id, purl_pattern: 'pkg:npm/*', tier: 'allowed' });
  await create(one.admin, { scope: 'team', team_id: one.id, purl_pattern: 'pkg:npm/gpl@1.0.0', tier: 'forbidden' });
  await rejudge(one.id);
  assert.equal(await one.tiers(), { gpl: 'forbidden', choice: 'allowed', own: 'allowed', plain: 'allowed', nothing: 'allowed' });
  for (const policy of [organisation, second, third]) await admin.expect(204, 'deleteLicensePolicy', { path: { id: String(member(policy, 'id')) } });
});
policies('is for admins: of the team, or of all', async () => {
  const [one, other] = [await team(), await team()];
  const json = { scope: 'team', team_id: one.id, license: 'ISC', tier: 'forbidden' };
  await one.developer.refused('forbidden', 'createLicensePolicy', { json });
  await other.admin.refused('forbidden', 'createLicensePolicy', { json });
  await one.admin.refused('forbidden', 'createLicensePolicy', { json: { scope: 'organization', license: 'ISC', tier: 'forbidden' } });
  await (await issueKey(one.admin, { scope: 'team', team_id: one.id })).client.refused('forbidden', 'createLicensePolicy', { json });
  const { body, headers } = await admin.expect(201, 'createLicensePolicy', { json });
  const path = { id: String(member(body, 'id')) };
  assert.equal([headers.get('Location'), headers.get('ETag')], [`/v1/license-policies/${path.id}`, '"1"']);
  await one.developer.expect(200, 'getLicensePolicy', { path });
  await other.admin.refused('forbidden', 'getLicensePolicy', { path });
  await one.developer.refused('forbidden', 'updateLicensePolicy', { path, json: { tier: 'allowed' }, headers: { 'If-Match': '1' } });
  await other.admin.refused('forbidden', 'deleteLicensePolicy', { path });
  const general = await create(admin, { scope: 'organization', license: 'ISC', tier: 'allowed' });
  const ofAll = { id: String(member(general, 'id')) };
  await other.developer.expect(200, 'getLicensePolicy', { path: ofAll });
  await one.admin.refused('forbidden', 'deleteLicensePolicy', { path: ofAll });
  const seen = async (client: ContractClient, query = {}) => itemsOf((await client.expect(200, 'listLicensePolicies', { query })).body).map((row) => row['id']);
  assert.equal([(await seen(one.developer)).toSorted(), await seen(other.developer), await seen(one.developer, { scope: 'team', team_id: one.id, q: 'isc' })], [[path.id, ofAll.id].toSorted(), [ofAll.id], [path.id]]);
  for (const sort of ['license', '-purl_pattern', 'tier', 'expires_at', '-created_at', 'updated_at']) assert.is((await seen(one.developer, { sort })).length, 2);
  await admin.expect(204, 'deleteLicensePolicy', { path: ofAll });
  await admin.refused('not-found', 'deleteLicensePolicy', { path: ofAll });
});
policies('refuses what is no subject, what is there already, and the past', async () => {
  const one = await team();
  const base = { scope: 'team', team_id: one.id, tier: 'allowed' };
  for (const [json, pointer] of [
    [{ ...base, license: 'MIT OR ISC' }, '/license'], [{ ...base, license: 'Mitt' }, '/license'], [base, '/license'], [{ ...base, license: 'MIT', purl_pattern: 'pkg:npm/*' }, '/license'],
    [{ ...base, purl_pattern: 'npm/*' }, '/purl_pattern'], [{ scope: 'team', tier: 'allowed', license: 'MIT' }, '/team_id'], [{ ...base, license: 'MIT', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
  ] as const) {
    const refused = await one.admin.refused('validation-failed', 'createLicensePolicy', { json });
    assert.is(member(refused, 'errors', 0, 'pointer'), pointer);
  }
  const twins = await Promise.all([1, 2, 3].map(() => one.admin.call('createLicensePolicy', { json: { ...base, license: 'GPL-2.0-only WITH Classpath-exception-2.0' } })));
  assert.equal(twins.map(({ status }) => status).toSorted(), [201, 409, 409]);
});

const update = suite('updateLicensePolicy');
update('needs the version, and is followed by a job; of two at once one wins', async () => {
  const one = await team();
  const path = { id: String(member(await create(one.admin, { scope: 'team', team_id: one.id, license: 'GPL-3.0-only', tier: 'allowed' }), 'id')) };
  await one.admin.refused('precondition-required', 'updateLicensePolicy', { path, json: { tier: 'forbidden' } });
  const put = (tier: string) => one.admin.call('updateLicensePolicy', { path, json: { tier }, headers: { 'If-Match': '"1"' } });
  assert.equal((await Promise.all([put('conditional'), put('conditional')])).map(({ status }) => status).toSorted(), [200, 412]);
  await one.admin.refused('validation-failed', 'updateLicensePolicy', { path, json: { expires_at: '2020-01-01T00:00:00Z' }, headers: { 'If-Match': '2' } });
  const deadline = Date.now() + 20_000;
  while ((await one.tiers())['gpl'] !== 'conditional') assert.ok(Date.now() < deadline, 'the job has not judged the scan again'); // each look is a request
});
update('an expired policy stops to count by itself, and counts again with a new expiry', async () => {
  const one = await team();
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  const policy = await create(one.admin, { scope: 'team', team_id: one.id, license: 'GPL-3.0-only', tier: 'allowed', expires_at: expires });
  const path = { id: String(member(policy, 'id')) };
  await rejudge(one.id);
  assert.is((await one.tiers())['gpl'], 'allowed');
  const later = { ...services, now: () => new Date(Date.now() + 7_200_000) };
  const queued: unknown[] = [];
  await lapseLicensePolicies({ ...later, enqueue: (_tx, name, payload) => { queued.push([name, payload]); return Promise.resolve(''); } });
  assert.equal(queued, [['judge-licenses', { team_id: one.id }]]);
  await rejudgeLicenses(later, one.id);
  assert.is((await one.tiers())['gpl'], 'forbidden');
  await lapseLicensePolicies({ ...later, enqueue: () => { throw new Error('lapsed twice'); } });
  await sql`UPDATE license_policies SET expires_at = now() - interval '1 second' WHERE id = ${path.id}`.execute(db);
  assert.is(member((await one.admin.expect(200, 'getLicensePolicy', { path })).body, 'is_expired'), true);
  assert.equal(itemsOf((await one.developer.expect(200, 'listProjectLicenseTiers', { path: { id: one.project }, query: { decided_by: ['team'] } })).body), []);
  assert.is(member((await one.admin.expect(200, 'updateLicensePolicy', { path, json: { expires_at: null }, headers: { 'If-Match': '1' } })).body, 'is_expired'), false);
  await rejudge(one.id);
  assert.is((await one.tiers())['gpl'], 'allowed');
});
update('a policy that changes while a scan publishes is in the scan', async () => {
  const one = await team();
  const policy = await create(one.admin, { scope: 'team', team_id: one.id, license: 'MIT', tier: 'allowed' });
  const path = { id: String(member(policy, 'id')) };
  for (let round = 1; round <= 6; round += 1) {
    const tier = round % 2 === 0 ? 'allowed' : 'forbidden';
    await Promise.all([
      scanToEnd(one.admin, one.project, sbomForm(SBOM)),
      one.admin.expect(200, 'updateLicensePolicy', { path, json: { tier }, headers: { 'If-Match': String(round) } }).then(() => rejudge(one.id)),
    ]);
    assert.is((await one.tiers())['plain'], tier, `round ${round}`);
  }
});

const effective = suite('listProjectLicenseTiers');
effective('shows all of the SPDX list with reasons, and who decides', async () => {
  const one = await team();
  const list = async (query: Record<string, string | number | string[]> = {}) => (await one.developer.expect(200, 'listProjectLicenseTiers', { path: { id: one.project }, query })).body;
  assert.ok(Number(member(await list(), 'total')) >= 727);
  await create(one.admin, { scope: 'team', team_id: one.id, license: 'LicenseRef-acme', tier: 'allowed', reason: 'ours' });
  const [own] = itemsOf(await list({ decided_by: ['team'] }));
  assert.equal([own?.['license'], own?.['tier'], own?.['reason'], own?.['decided_by']], ['LicenseRef-acme', 'allowed', 'ours', 'team']);
  assert.equal(itemsOf(await list({ q: 'agpl-3.0-only' })).map((row) => [row['license'], row['tier'], row['reason']]), [['AGPL-3.0-only', 'forbidden', 'copyleft that reaches users over a network']]);
  assert.is(itemsOf(await list({ sort: 'tier' }))[0]?.['tier'], 'forbidden');
  for (const sort of ['-license', 'name', '-decided_by']) assert.is(itemsOf(await list({ sort, limit: 7 })).length, 7);
  assert.equal(itemsOf(await list({ tier: ['unknown'] })).map((row) => row['license']), ['any-OSI', 'any-OSI-perl-modules']);
});

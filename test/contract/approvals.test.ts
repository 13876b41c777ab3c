/** Approvals: who may take which step from which state with which If-Match, what scans open by themselves, and what decisions do to tiers and gate. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { NEXT } from '../../src/domain/approvals/transitions.ts';
import { issueKey } from '../support/api-keys.ts';
import { itemsOf, member, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const { db } = database;
const teamAdmin = await newUser(anonymous, database, 'team_admin');
const { teamId } = teamAdmin;
const developer = await newUser(anonymous, database, 'developer', teamId);
const outsider = await newUser(anonymous, database, 'team_admin');

const CERTIFI = 'pkg:pypi/certifi@2024.7.4';
const SBOM = cycloneDx([{ purl: CERTIFI, license: 'MPL-2.0', dependsOn: ['pkg:npm/a@1.0.0', 'pkg:npm/g@1.0.0'] }, { purl: 'pkg:npm/a@1.0.0', license: 'MIT' }, { purl: 'pkg:npm/g@1.0.0', license: 'GPL-3.0-only' }]);
const listed = async (client: ContractClient, query: Record<string, string | string[]>) => itemsOf((await client.expect(200, 'listApprovals', { query })).body);
async function scanned(form = sbomForm(SBOM)): Promise<{ project: string; scan: string }> {
  const project = await newProject(teamAdmin.client, { team_id: teamId });
  return { project, scan: (await scanToEnd(teamAdmin.client, project, form)).id };
}
const componentOf = async (project: string, name: string): Promise<Record<string, unknown>> => itemsOf((await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { q: name } })).body)[0] ?? {};
const decide = (client: ContractClient, id: string, action: string, version: number | string | null, note?: string) =>
  client.call('transitionApproval', { path: { id }, headers: version === null ? {} : { 'If-Match': String(version) }, json: { action, ...(note === undefined ? {} : { decision_note: note }) } });
/** From pending to approved or rejected. */
async function decided(id: string, outcome: 'approved' | 'rejected', version = 1): Promise<void> {
  assert.is((await decide(teamAdmin.client, id, 'under_review', version)).status, 200);
  assert.is((await decide(teamAdmin.client, id, outcome, version + 1, 'because')).status, 200);
}

const { project, scan } = await scanned();
const first = (await listed(admin, { project_id: project }))[0];

const transition = suite('transitionApproval');
const STATES = ['pending', 'under_review', 'approved', 'rejected'] as const;
const ACTIONS = ['under_review', 'approved', 'rejected'] as const;
const keys = {
  deciding: (await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId, allowed_actions: ['approval:decide', 'project:read'] })).client,
  reading: (await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId, allowed_actions: ['project:read'] })).client,
  "developer's": (await issueKey(developer.client, { scope: 'project', project_id: project, allowed_actions: ['*'] })).client,
};
const WHO: [string, ContractClient, 'may' | 401 | 403 | 404][] = [
  ['a team admin', teamAdmin.client, 'may'], ['a super admin', admin, 'may'], ['a key that may decide', keys.deciding, 'may'],
  ['a developer of the team', developer.client, 403], ["a developer's key", keys["developer's"], 403], ['a key that may only read', keys.reading, 403],
  ["another team's admin", outsider.client, 404], ['nobody', anonymous, 401],
];
/** Puts the approval into a state, at version 5. */
const putInto = (id: string, state: string) => sql`
  UPDATE approvals SET status = ${state}, version = 5, decided_at = CASE WHEN ${state} IN ('approved', 'rejected') THEN now() END, decision_note = NULL, decided_by_user_id = NULL WHERE id = ${id}`.execute(db);
for (const [who, client, verdict] of WHO) {
  transition(`${who}: every state, step and If-Match`, async () => {
    const id = String(first?.['id']);
    const wrong: string[] = [];
    for (const state of STATES) for (const action of ACTIONS) for (const [named, version] of [['right', '"5"'], ['right', '5'], ['wrong', '4'], ['wrong', 'W/"x"'], ['missing', null]] as const) {
      await putInto(id, state);
      const answer = await decide(client, id, action, version);
      const expected = verdict !== 'may' ? verdict : named === 'missing' ? 428 : named === 'wrong' ? 412 : NEXT[state].includes(action) ? 200 : 409;
      if (answer.status !== expected) wrong.push(`${state} -> ${action}, ${named}: ${answer.status}, not ${expected}`);
      if (expected === 412 || expected === 428) assert.is(member(answer.body, 'current_version'), 5);
      if (expected === 409) assert.equal(member(answer.body, 'allowed_to'), NEXT[state]);
      if (expected === 200) {
        assert.equal([answer.headers.get('ETag'), member(answer.body, 'status'), member(answer.body, 'version')], ['"6"', action, 6]);
        assert.is(member(answer.body, 'decided_at') === null, action === 'under_review');
      }
      const { rows: [now] } = await sql<{ status: string; version: number }>`SELECT status, version FROM approvals WHERE id = ${id}`.execute(db);
      assert.equal(now, expected === 200 ? { status: action, version: 6 } : { status: state, version: 5 });
    }
    assert.equal(wrong, []);
  });
}
transition('of two reviewers at once one wins, the other hears of another version', async () => {
  const id = String(first?.['id']);
  for (let round = 0; round < 10; round += 1) {
    await putInto(id, 'under_review');
    const answers = await Promise.all([decide(teamAdmin.client, id, 'approved', 5), decide(admin, id, 'rejected', 5)]);
    assert.equal(answers.map(({ status }) => status).toSorted(), [200, 412]);
    assert.is(member(answers.find(({ status }) => status === 412)?.body, 'current_version'), 6);
  }
});
transition('an approved component counts as allowed, a rejected one fails the gate, and both outlive scans', async () => {
  const { project: own } = await scanned();
  const component = await componentOf(own, 'certifi');
  const tier = async () => (await componentOf(own, 'certifi'))['license_tier'];
  const gate = async () => {
    const { body } = await admin.expect(200, 'getProjectGateResult', { path: { id: own } });
    const reasons = member(body, 'reasons');
    return Array.isArray(reasons) ? reasons.filter((reason) => member(reason, 'rule') === 'rejected_approval').map((reason) => [member(reason, 'action'), member(reason, 'findings')]) : [];
  };
  assert.is(await tier(), 'conditional');
  const [opened] = await listed(admin, { project_id: own });
  await decided(String(opened?.['id']), 'approved');
  assert.is(await tier(), 'allowed');
  await scanToEnd(teamAdmin.client, own, sbomForm(SBOM));
  assert.equal([await tier(), (await listed(admin, { project_id: own })).length, await gate()], ['allowed', 1, []]);
  const again = await teamAdmin.client.expect(201, 'createApproval', { json: { project_id: own, component_id: component['id'] } });
  await decided(String(member(again.body, 'id')), 'rejected');
  assert.equal([await tier(), await gate()], ['conditional', [['fail', [component['id']]]]]);
  await scanToEnd(teamAdmin.client, own, sbomForm(SBOM));
  assert.equal([await tier(), await gate(), (await listed(admin, { project_id: own })).length], ['conditional', [['fail', [component['id']]]], 2]);
});
transition('a decision counts for the licence it was made for: another licence is asked about anew, and an open approval follows it with a new version', async () => {
  const withLicense = (license: string) => sbomForm(cycloneDx([{ purl: CERTIFI, license }]));
  const { project: own } = await scanned(withLicense('MPL-2.0'));
  const [opened] = await listed(admin, { project_id: own });
  await scanToEnd(teamAdmin.client, own, withLicense('LGPL-3.0-only'));
  const followed = (await teamAdmin.client.expect(200, 'getApproval', { path: { id: String(opened?.['id']) } })).body;
  assert.equal([member(followed, 'license_expression'), member(followed, 'version')], ['LGPL-3.0-only', 2]);
  assert.is((await decide(teamAdmin.client, String(opened?.['id']), 'rejected', 1)).status, 412);
  await decided(String(opened?.['id']), 'approved', 2);
  await scanToEnd(teamAdmin.client, own, withLicense('EPL-2.0'));
  assert.is((await componentOf(own, 'certifi'))['license_tier'], 'conditional');
  assert.equal((await listed(admin, { project_id: own, sort: 'requested_at' })).map((row) => [row['license_expression'], row['status']]), [['LGPL-3.0-only', 'approved'], ['EPL-2.0', 'pending']]);
});

transition('refuses words that are no state', async () => {
  await teamAdmin.client.refused('validation-failed', 'transitionApproval', { path: { id: String(first?.['id']) }, headers: { 'If-Match': '5' }, json: { action: 'pending' } });
});

const open = suite('createApproval');
open('a scan opens one for each conditional licence, asked for by nobody, with its audit row', async () => {
  const { project: own, scan: scanId } = await scanned();
  const rows = await listed(admin, { project_id: own });
  assert.equal(rows.map((row) => [row['component_purl'], row['license_expression'], row['status'], row['requested_by_user_id'], row['team_id'], row['version']]), [[CERTIFI, 'MPL-2.0', 'pending', null, teamId, 1]]);
  const { rows: audited } = await sql<{ actor_kind: string; diff: unknown }>`SELECT actor_kind, diff FROM audit_log WHERE target_table = 'approvals' AND diff ->> 'scanId' = ${scanId}`.execute(db);
  assert.equal(audited, [{ actor_kind: 'system', diff: { opened: 1, changed: 0, scanId } }]);
});
open('a developer asks for any component, once at a time', async () => {
  const { project: own } = await scanned();
  const json = { project_id: own, component_id: (await componentOf(own, '/g@'))['id'] };
  const answers = await Promise.all(Array.from({ length: 5 }, () => developer.client.call('createApproval', { json })));
  assert.equal(answers.map(({ status }) => status).toSorted(), [201, 409, 409, 409, 409]);
  const made = answers.find(({ status }) => status === 201);
  assert.equal([member(made?.body, 'license_expression'), member(made?.body, 'requested_by_user_id'), made?.headers.get('Location'), made?.headers.get('ETag')], ['GPL-3.0-only', developer.id, `/v1/approvals/${String(member(made?.body, 'id'))}`, '"1"']);
  await decided(String(member(made?.body, 'id')), 'approved');
  assert.is((await componentOf(own, '/g@'))['license_tier'], 'allowed');
});
open('refuses what is not there, another team, and an archived project', async () => {
  const { project: own } = await scanned();
  const other = await scanned();
  const component = (await componentOf(own, 'certifi'))['id'];
  await outsider.client.refused('not-found', 'createApproval', { json: { project_id: own, component_id: component } });
  await developer.client.refused('validation-failed', 'createApproval', { json: { project_id: other.project, component_id: component } });
  await developer.client.refused('validation-failed', 'createApproval', { json: { project_id: own, component_id: crypto.randomUUID() } });
  await keys.reading.refused('forbidden', 'createApproval', { json: { project_id: own, component_id: component } });
  await teamAdmin.client.expect(204, 'deleteProject', { path: { id: own } });
  await developer.client.refused('project-archived', 'createApproval', { json: { project_id: own, component_id: component } });
});

const withdraw = suite('deleteApproval');
withdraw('takes an open one away, of several at once one; a decided one stays', async () => {
  const { project: own } = await scanned();
  const id = String((await listed(admin, { project_id: own }))[0]?.['id']);
  await outsider.client.refused('not-found', 'deleteApproval', { path: { id } });
  await keys.reading.refused('forbidden', 'deleteApproval', { path: { id } });
  assert.equal((await Promise.all([1, 2, 3].map(() => developer.client.call('deleteApproval', { path: { id } })))).map(({ status }) => status).toSorted(), [204, 404, 404]);
  await teamAdmin.client.refused('not-found', 'getApproval', { path: { id } });
  await scanToEnd(teamAdmin.client, own, sbomForm(SBOM)); // still conditional and undecided: asked about again
  const reopened = String((await listed(admin, { project_id: own }))[0]?.['id']);
  await decided(reopened, 'rejected');
  await developer.client.refused('approval-closed', 'deleteApproval', { path: { id: reopened } });
});

const list = suite('listApprovals');
list('shows those of the caller\'s teams alone, also where the project is open to the organisation', async () => {
  const shown = async (client: ContractClient) => (await listed(client, { project_id: project })).length;
  await sql`UPDATE projects SET visibility = 'organization' WHERE id = ${project}`.execute(db);
  assert.equal(await Promise.all([teamAdmin.client, developer.client, admin, keys.reading, keys["developer's"], outsider.client].map(shown)), [1, 1, 1, 1, 1, 0]);
  await outsider.client.refused('not-found', 'getApproval', { path: { id: String(first?.['id']) } });
});
list('filters and sorts', async () => {
  const { project: own } = await scanned();
  const component = String((await componentOf(own, 'certifi'))['id']);
  const count = async (query: Record<string, string | string[]>) => (await listed(teamAdmin.client, { project_id: own, ...query })).length;
  assert.equal([await count({ status: ['pending'] }), await count({ status: ['approved', 'rejected'] }), await count({ component_id: component }), await count({ team_id: teamId })], [1, 0, 1, 1]);
  assert.equal([await count({ requested_by_user_id: developer.id }), await count({ from_dt: '2020-01-01T00:00:00Z' }), await count({ to_dt: '2020-01-01T00:00:00Z' })], [0, 1, 0]);
  for (const sort of ['status', '-component_name', 'project_name', '-requested_at', 'decided_at']) assert.is(await count({ sort }), 1);
  await teamAdmin.client.refused('invalid-request', 'listApprovals', { query: { sort: 'nonsense' } });
  assert.ok(scan);
});

/** Teams of the installation: made, changed and removed, with their members; a team keeps an admin and its projects. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { issueKey } from '../support/api-keys.ts';
import { member } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const { db } = database;
const NOBODY = '00000000-0000-4000-8000-000000000000';
const newTeam = async (name = `Team ${crypto.randomUUID()}`): Promise<string> => String(member((await admin.expect(201, 'createAdminTeam', { json: { name } })).body, 'id'));
const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const rolesIn = async (id: string): Promise<string[]> => list(member((await admin.expect(200, 'getAdminTeam', { path: { id } })).body, 'members')).map((one) => `${String(one['email'])} ${String(one['role'])}`).sort();

const make = suite('createAdminTeam');
make('makes a slug from the name, with a number where it is taken, and takes a wished one', async () => {
  const slugs = await Promise.all(['Großes  Team!', 'Großes Team'].map(async (name) => member((await admin.expect(201, 'createAdminTeam', { json: { name } })).body, 'slug')));
  assert.is(new Set(slugs).size, 2);
  const answer = await admin.expect(201, 'createAdminTeam', { json: { name: '  Wished ', slug: 'wished', description: 'as said' } });
  assert.equal(['name', 'slug', 'description', 'version'].map((name) => member(answer.body, name)), ['Wished', 'wished', 'as said', 1]);
  assert.match(answer.headers.get('Location') ?? '', /^\/v1\/admin\/teams\/[0-9a-f-]{36}$/);
  await admin.refused('slug-conflict', 'createAdminTeam', { json: { name: 'Other', slug: 'wished' } });
  for (const json of [{}, { name: ' ' }, { name: 'X', slug: 'Not A Slug' }, { name: 'X', members: [] }]) await admin.refused('validation-failed', 'createAdminTeam', { json });
});
make('twenty at once with one name all get a slug of their own', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => admin.call('createAdminTeam', { json: { name: 'Rush' } })));
  const made = answers.filter(({ status }) => status === 201).map(({ body }) => member(body, 'slug'));
  assert.is(new Set(made).size, made.length);
  assert.ok(answers.every(({ status }) => status === 201 || status === 409) && made.length >= 5, answers.map(({ status }) => status).join());
});

const change = suite('updateAdminTeam');
change('changes what is named, with If-Match, and nothing else', async () => {
  const id = await newTeam();
  await admin.refused('precondition-required', 'updateAdminTeam', { path: { id }, json: { name: 'X' } });
  await admin.refused('precondition-failed', 'updateAdminTeam', { path: { id }, headers: { 'If-Match': '9' }, json: { name: 'X' } });
  const { body, headers } = await admin.expect(200, 'updateAdminTeam', { path: { id }, headers: { 'If-Match': '1' }, json: { name: 'New name', description: 'd' } });
  assert.equal([member(body, 'name'), member(body, 'description'), headers.get('ETag')], ['New name', 'd', '"2"']);
  const taken = String(member((await admin.expect(200, 'getAdminTeam', { path: { id: await newTeam() } })).body, 'slug'));
  await admin.refused('slug-conflict', 'updateAdminTeam', { path: { id }, headers: { 'If-Match': '2' }, json: { slug: taken } });
  await admin.refused('validation-failed', 'updateAdminTeam', { path: { id }, headers: { 'If-Match': '2' }, json: { slug: 'Not A Slug' } });
  await admin.refused('not-found', 'updateAdminTeam', { path: { id: NOBODY }, headers: { 'If-Match': '1' }, json: { name: 'X' } });
  const one = await Promise.all([1, 2, 3].map((place) => admin.call('updateAdminTeam', { path: { id }, headers: { 'If-Match': '2' }, json: { name: `At once ${place}` } })));
  assert.equal(one.map(({ status }) => status).sort(), [200, 412, 412]);
});

const read = suite('listAdminTeams');
read('finds by text, sorts, pages, and hides from everybody else', async () => {
  const mark = crypto.randomUUID().slice(0, 8);
  for (const name of ['b', 'a', 'c']) await newTeam(`${mark} ${name}`);
  const names = async (query: Record<string, string | number>): Promise<unknown[]> => list(member((await admin.expect(200, 'listAdminTeams', { query: { search: mark, ...query } })).body, 'items')).map((one) => String(one['name']).slice(9));
  assert.equal([await names({ sort: 'name' }), await names({ sort: '-name', limit: 2 }), await names({ sort: 'slug', offset: 2 }), (await names({})).length], [['a', 'b', 'c'], ['c', 'b'], ['c'], 3]);
  assert.equal(await names({ search: '%' }), []);
  const user = await newUser(anonymous, database, 'team_admin');
  for (const id of ['listAdminTeams', 'createAdminTeam'] as const) await user.client.refused('not-found', id, id === 'createAdminTeam' ? { json: { name: 'X' } } : {});
  await user.client.refused('not-found', 'getAdminTeam', { path: { id: user.teamId } });
});

const members = suite('addAdminTeamMember');
members('adds, changes the role of, and removes; what the member may do follows at once', async () => {
  const [id, user] = [await newTeam(), await newUser(anonymous, database, 'developer')];
  const project = await newProject(admin, { team_id: id });
  assert.ok([403, 404].includes((await user.client.call('getProject', { path: { id: project } })).status));
  await admin.expect(200, 'addAdminTeamMember', { path: { id }, json: { user_id: user.id, role: 'developer' } });
  await user.client.expect(200, 'getProject', { path: { id: project } });
  await admin.expect(200, 'addAdminTeamMember', { path: { id }, json: { user_id: user.id, role: 'team_admin' } });
  assert.equal((await rolesIn(id)).map((one) => one.split(' ')[1]), ['team_admin']);
  await admin.expect(200, 'removeAdminTeamMember', { path: { id, user_id: user.id } });
  assert.ok([403, 404].includes((await user.client.call('getProject', { path: { id: project } })).status));
  await admin.refused('not-found', 'removeAdminTeamMember', { path: { id, user_id: user.id } });
  await admin.refused('validation-failed', 'addAdminTeamMember', { path: { id }, json: { user_id: NOBODY, role: 'developer' } });
  await admin.refused('not-found', 'addAdminTeamMember', { path: { id: NOBODY }, json: { user_id: user.id, role: 'developer' } });
});
members('the last admin of a team with other members stays, also when two leave at once', async () => {
  const id = await newTeam();
  const users = [await newUser(anonymous, database, 'developer'), await newUser(anonymous, database, 'developer'), await newUser(anonymous, database, 'developer')];
  for (const [place, user] of users.entries()) await admin.expect(200, 'addAdminTeamMember', { path: { id }, json: { user_id: user.id, role: place < 2 ? 'team_admin' : 'developer' } });
  const [first, second] = users;
  const answers = await Promise.all([first, second].map((user) => admin.call('removeAdminTeamMember', { path: { id, user_id: user?.id ?? '' } })));
  assert.equal(answers.map(({ status }) => status).sort(), [200, 409]);
  const [left] = (await rolesIn(id)).filter((one) => one.endsWith('team_admin'));
  const admins = [first, second].filter((user) => left?.startsWith(user?.email ?? ' '));
  await admin.refused('last-team-admin', 'addAdminTeamMember', { path: { id }, json: { user_id: admins[0]?.id ?? '', role: 'developer' } });
});

const remove = suite('deleteAdminTeam');
remove('takes memberships and keys along, and is refused while there are projects or running scans', async () => {
  const [id, user] = [await newTeam(), await newUser(anonymous, database, 'developer')];
  await admin.expect(200, 'addAdminTeamMember', { path: { id }, json: { user_id: user.id, role: 'team_admin' } });
  const key = await issueKey(admin, { scope: 'team', team_id: id });
  const project = await newProject(admin, { team_id: id });
  const scan = await queuedScan(database, project);
  await admin.refused('team-has-active-scans', 'deleteAdminTeam', { path: { id } });
  await sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE id = ${scan}`.execute(db);
  const problem = await admin.refused('team-has-projects', 'deleteAdminTeam', { path: { id } });
  assert.is(problem['project_count'], 1);
  await sql`DELETE FROM projects WHERE id = ${project}`.execute(db);
  await admin.expect(204, 'deleteAdminTeam', { path: { id } });
  await key.client.isOut();
  await admin.refused('not-found', 'getAdminTeam', { path: { id } });
  await admin.refused('not-found', 'deleteAdminTeam', { path: { id } });
  const { rows } = await sql<{ diff: Record<string, unknown> }>`SELECT diff FROM audit_log WHERE target_table = 'teams' AND target_id = ${id} AND action = 'delete'`.execute(db);
  assert.equal([rows.length, rows[0]?.diff['members_removed'], rows[0]?.diff['keys_removed']], [1, 1, 1]);
});
remove('a project that is made at the same time is either in time or too late', async () => {
  for (let round = 0; round < 5; round += 1) {
    const id = await newTeam();
    const [gone, made] = await Promise.all([admin.call('deleteAdminTeam', { path: { id } }), admin.call('createProject', { json: { name: `Race ${crypto.randomUUID()}`, team_id: id } })]);
    assert.ok((gone.status === 204) !== (made.status === 201), `${gone.status} and ${made.status}`);
  }
});

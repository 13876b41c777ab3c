/** Projects: create, read, list, change under a version, archive and purge; and who may. */
import * as assert from 'uvu/assert';
import { member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const lead = await newUser(anonymous, database, 'team_admin');
const developer = await newUser(anonymous, database, 'developer', lead.teamId);
const stranger = await newUser(anonymous, database, 'team_admin');

const create = suite('createProject');
create('needs only a name: the default team owns it, the slug is made', async () => {
  const name = `Zählung ${crypto.randomUUID()}`;
  const { body, headers } = await developer.client.expect(201, 'createProject', { json: { name } });
  assert.is(member(body, 'team_id'), developer.teamId);
  assert.match(String(member(body, 'slug')), /^zahlung-/);
  assert.is(headers.get('ETag'), '"1"');
  assert.is(headers.get('Location'), `/v1/projects/${String(member(body, 'id'))}`);
  const again = await developer.client.expect(201, 'createProject', { json: { name } });
  assert.is(member(again.body, 'slug'), `${String(member(body, 'slug'))}-2`);
});
create('a slug of one\'s own must be free', async () => {
  const json = { name: 'x', slug: 'taken' };
  await developer.client.expect(201, 'createProject', { json });
  await developer.client.refused('slug-conflict', 'createProject', { json });
  await stranger.client.expect(201, 'createProject', { json });
});
create('credentials in git_url are never returned', async () => {
  const { body, text } = await developer.client.expect(201, 'createProject', { json: { name: 'g', git_url: 'https://bob:hunter22@git.example.com/a.git' } });
  assert.is(member(body, 'git_url'), 'https://git.example.com/a.git');
  assert.is(member(body, 'has_git_credential'), true);
  assert.not.ok(text.includes('hunter22'));
  await developer.client.refused('unsupported-git-url', 'createProject', { json: { name: 'g', git_url: 'file:///etc' } });
});
create('for another team is 403, for a team that is not there too', async () => {
  await developer.client.refused('forbidden', 'createProject', { json: { name: 'x', team_id: stranger.teamId } });
  await developer.client.refused('forbidden', 'createProject', { json: { name: 'x', team_id: crypto.randomUUID() } });
});
create('bad bodies are refused by pointer', async () => {
  const cases: [unknown, string][] = [[{}, '/name'], [{ name: '' }, '/name'], [{ name: 'x', nope: 1 }, '/nope'], [{ name: 'x', slug: '-a' }, '/slug'], [{ name: 'x', visibility: 'all' }, '/visibility'], [[], ''], [{ name: 'x', gate: { kev: 'maybe' } }, '/gate/kev']];
  for (const [json, pointer] of cases) assert.is(member(await developer.client.refused('validation-failed', 'createProject', { json }), 'errors', 0, 'pointer'), pointer);
});

const idempotency = suite('Idempotency-Key');
idempotency('the same request again gives the first answer', async () => {
  const options = { json: { name: 'idem' }, headers: { 'Idempotency-Key': crypto.randomUUID() } };
  const first = await developer.client.expect(201, 'createProject', options);
  const second = await developer.client.expect(201, 'createProject', options);
  assert.is(second.text, first.text);
  assert.is(second.headers.get('Location'), first.headers.get('Location'));
  assert.is(second.headers.get('Idempotency-Replayed'), 'true');
  await developer.client.refused('idempotency-mismatch', 'createProject', { ...options, json: { name: 'other' } });
  await stranger.client.expect(201, 'createProject', options);
});
idempotency('of many at once one creates', async () => {
  const options = { json: { name: 'race', slug: `race-${crypto.randomUUID()}` }, headers: { 'Idempotency-Key': crypto.randomUUID() } };
  const answers = await Promise.all(Array.from({ length: 6 }, () => developer.client.call('createProject', options)));
  assert.ok(answers.every(({ status }) => status === 201 || status === 409), answers.map(({ status }) => status).join());
  assert.is(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => member(body, 'id'))).size, 1);
});
idempotency('a refused request gives its key free', async () => {
  const headers = { 'Idempotency-Key': crypto.randomUUID() };
  await developer.client.refused('unsupported-git-url', 'createProject', { headers, json: { name: 'x', git_url: 'nope' } });
  await developer.client.expect(201, 'createProject', { headers, json: { name: 'x' } });
});

const read = suite('getProject');
read('another team\'s is 403, an unknown one 404, an organisation-wide one is readable', async () => {
  const id = await newProject(developer.client);
  await developer.client.expect(200, 'getProject', { path: { id } });
  await admin.expect(200, 'getProject', { path: { id } });
  await stranger.client.refused('forbidden', 'getProject', { path: { id } });
  await stranger.client.refused('not-found', 'getProject', { path: { id: crypto.randomUUID() } });
  await stranger.client.refused('invalid-request', 'getProject', { path: { id: 'not-an-id' } });
  const open = await newProject(developer.client, { visibility: 'organization' });
  await stranger.client.expect(200, 'getProject', { path: { id: open } });
  await stranger.client.refused('forbidden', 'updateProject', { path: { id: open }, json: { name: 'mine' }, headers: { 'If-Match': '1' } });
});

const list = suite('listProjects');
list('is scoped, paged, sorted and searched', async () => {
  const own = await newUser(anonymous, database, 'developer');
  for (const name of ['Beta 50%', 'alpha', 'Gamma']) await newProject(own.client, { name });
  const { body } = await own.client.expect(200, 'listProjects', { query: { team_id: own.teamId, sort: 'name', limit: 2 } });
  assert.equal([member(body, 'total'), member(body, 'limit'), member(body, 'offset')], [3, 2, 0]);
  const names = await Promise.all(['name', '-name'].map(async (sort) => member((await own.client.expect(200, 'listProjects', { query: { team_id: own.teamId, sort } })).body, 'items', 0, 'name')));
  assert.is.not(names[0], names[1]);
  const found = await own.client.expect(200, 'listProjects', { query: { q: '50%' } });
  assert.is(member(found.body, 'total'), 1);
  assert.is(member((await own.client.expect(200, 'listProjects', { query: { team_id: stranger.teamId } })).body, 'total'), 0);
});
list('filters by visibility, and archived ones or the others', async () => {
  const own = await newUser(anonymous, database, 'team_admin');
  const [shared, gone] = [await newProject(own.client, { name: 'Shared', visibility: 'organization' }), await newProject(own.client, { name: 'Gone' })];
  await newProject(own.client, { name: 'Own' });
  await own.client.expect(204, 'deleteProject', { path: { id: gone } });
  const names = async (query: Record<string, string | boolean>): Promise<string> => {
    const items = member((await own.client.expect(200, 'listProjects', { query: { team_id: own.teamId, sort: 'name', ...query } })).body, 'items');
    return Array.isArray(items) ? items.map((item: unknown) => member(item, 'name')).join() : '';
  };
  assert.equal(await Promise.all([{}, { archived: false }, { archived: true }, { include_archived: true }, { archived: false, include_archived: true }].map(names)), ['Own,Shared', 'Own,Shared', 'Gone', 'Gone,Own,Shared', 'Own,Shared']);
  assert.equal(await Promise.all([names({ visibility: 'organization' }), names({ visibility: 'team', include_archived: true })]), ['Shared', 'Gone,Own']);
  assert.is(member((await stranger.client.expect(200, 'listProjects', { query: { team_id: own.teamId } })).body, 'items', 0, 'id'), shared);
  assert.equal(await Promise.all(['e', 'ha', '%', '_', '\\'].map((q) => names({ q }))), ['Shared', 'Shared', '', '', '']);
  for (const sort of ['name', '-slug', 'created_at', '-updated_at,name']) assert.is((await names({ sort, include_archived: true })).length, 'Gone,Own,Shared'.length);
});
list('bad parameters are named', async () => {
  const cases: [Record<string, string | number | string[]>, string][] = [[{ limit: 0 }, 'limit'], [{ limit: 201 }, 'limit'], [{ limit: 'x' }, 'limit'], [{ offset: -1 }, 'offset'], [{ sort: 'nope' }, 'sort'], [{ nope: '1' }, 'nope'], [{ team_id: 'x' }, 'team_id'], [{ limit: ['1', '2'] }, 'limit']];
  for (const [query, parameter] of cases) {
    assert.is(member(await developer.client.refused('invalid-request', 'listProjects', { query }), 'errors', 0, 'parameter'), parameter);
  }
  const { detail } = await developer.client.refused('invalid-request', 'listProjects', { query: { sort: 'nope' } });
  assert.match(String(detail), /created_at/);
});

const change = suite('updateProject');
change('needs the version that is current', async () => {
  const id = await newProject(developer.client);
  const missing = await developer.client.refused('precondition-required', 'updateProject', { path: { id }, json: { name: 'a' } });
  assert.is(missing['current_version'], 1);
  const changed = await developer.client.expect(200, 'updateProject', { path: { id }, json: { name: 'a', gate: { kev: 'warn' } }, headers: { 'If-Match': '"1"' } });
  assert.is(changed.headers.get('ETag'), '"2"');
  assert.is(member(changed.body, 'gate', 'kev'), 'warn');
  assert.is(member(changed.body, 'gate', 'severity_threshold'), 'critical');
  const stale = await developer.client.refused('precondition-failed', 'updateProject', { path: { id }, json: { name: 'b' }, headers: { 'If-Match': '1' } });
  assert.is(stale['current_version'], 2);
  await developer.client.expect(200, 'updateProject', { path: { id }, json: { description: null }, headers: { 'If-Match': '2' } });
});
change('of many at once with one version one wins', async () => {
  const id = await newProject(developer.client);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => developer.client.call('updateProject', { path: { id }, json: { name: `n${index}` }, headers: { 'If-Match': '1' } })));
  assert.equal(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412, 412, 412]);
});
change('a taken slug, an archived project and a foreign one are refused', async () => {
  const id = await newProject(developer.client);
  await newProject(developer.client, { slug: 'occupied' });
  const headers = { 'If-Match': '1' };
  await developer.client.refused('slug-conflict', 'updateProject', { path: { id }, json: { slug: 'occupied' }, headers });
  await developer.client.refused('unsupported-git-url', 'updateProject', { path: { id }, json: { git_url: 'ext::sh' }, headers });
  await lead.client.expect(204, 'deleteProject', { path: { id } });
  await developer.client.refused('project-archived', 'updateProject', { path: { id }, json: { name: 'x' }, headers: { 'If-Match': '2' } });
});

const remove = suite('deleteProject');
remove('archives, again changes nothing, and purges only what is archived', async () => {
  const id = await newProject(lead.client);
  await developer.client.refused('forbidden', 'deleteProject', { path: { id } });
  await scanToEnd(lead.client, id, sbomForm(SMALL_SBOM));
  await lead.client.refused('conflict', 'deleteProject', { path: { id }, query: { purge: true } });
  for (let time = 0; time < 2; time += 1) await lead.client.expect(204, 'deleteProject', { path: { id } });
  const archived = await lead.client.expect(200, 'getProject', { path: { id } });
  assert.is(member(archived.body, 'version'), 2);
  assert.is(typeof member(archived.body, 'archived_at'), 'string');
  await lead.client.refused('project-archived', 'createScan', { path: { id }, form: sbomForm(SMALL_SBOM) });
  await lead.client.expect(204, 'deleteProject', { path: { id }, query: { purge: true } });
  await lead.client.refused('not-found', 'getProject', { path: { id } });
});

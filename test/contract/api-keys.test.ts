/** API keys: issuing, scope, actions, expiry, rotation, what they never do, and what is written of them. */
import { once } from 'node:events';
import { IncomingMessage, request } from 'node:http';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { pause } from '../../src/core/values.ts';
import { issueKey } from '../support/api-keys.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin, anonymous, database } = await startTestPortal();
const teamAdmin = await newUser(anonymous, database, 'team_admin');
const { teamId } = teamAdmin;
const developer = await newUser(anonymous, database, 'developer', teamId);
const outsider = await newUser(anonymous, database, 'team_admin');
const project = await newProject(teamAdmin.client, { name: 'One', team_id: teamId });
const sibling = await newProject(teamAdmin.client, { name: 'Two', team_id: teamId });
const foreign = await newProject(outsider.client, { name: 'Elsewhere', team_id: outsider.teamId });
const names = async (client: ContractClient): Promise<unknown[]> => {
  const items = member((await client.expect(200, 'listProjects', { query: { sort: 'name' } })).body, 'items');
  return Array.isArray(items) ? items.map((item) => member(item, 'name')) : [];
};

const issuing = suite('createApiKey');
issuing('shows the key once and stores no part of the secret', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project, name: ' pipeline ' });
  assert.match(key.text, /^tos_[0-9a-f]{8}_[A-Za-z0-9_-]{32}$/);
  const { rows: [row] } = await sql<{ whole: string }>`SELECT k::text || coalesce((SELECT string_agg(a::text, '') FROM audit_log a), '') AS whole FROM api_keys k WHERE id = ${key.id}`.execute(database.db);
  assert.not.match(row?.whole ?? key.text, key.text.slice(13));
  const listed = await developer.client.expect(200, 'listApiKeys', { query: { project_id: project } });
  assert.not.match(listed.text, key.text.slice(13));
  assert.is(member(listed.body, 'items', 0, 'name'), 'pipeline');
});
issuing('takes the right that the scope asks for', async () => {
  await admin.expect(201, 'createApiKey', { json: { name: 'k', scope: 'org' } });
  for (const [client, draft] of [
    [teamAdmin.client, { scope: 'org' }], [developer.client, { scope: 'team', team_id: teamId }], [outsider.client, { scope: 'team', team_id: teamId }],
    [outsider.client, { scope: 'project', project_id: project }], [admin, { scope: 'project', project_id: crypto.randomUUID() }],
  ] as const) await client.refused('forbidden', 'createApiKey', { json: { name: 'k', ...draft } });
});
issuing('refuses a scope without its owner, an owner without its scope, and a past end', async () => {
  for (const draft of [{ scope: 'team' }, { scope: 'project', team_id: teamId, project_id: project }, { scope: 'org', project_id: project }, { scope: 'project', project_id: project, expires_at: '2020-01-01T00:00:00Z' }]) {
    const problem = await admin.refused('validation-failed', 'createApiKey', { json: { name: 'k', ...draft } });
    assert.ok(Array.isArray(problem['errors']) && problem['errors'].length > 0);
  }
});
issuing('a repeat with the same Idempotency-Key gives the same key, and what is kept of it is sealed', async () => {
  const options = { json: { name: 'once', scope: 'project', project_id: project }, headers: { 'Idempotency-Key': 'issue-1' } };
  const first = await developer.client.expect(201, 'createApiKey', options);
  const second = await developer.client.expect(201, 'createApiKey', options);
  assert.is(second.headers.get('Idempotency-Replayed'), 'true');
  assert.equal(second.body, first.body);
  const { rows } = await sql<{ body: string }>`SELECT body FROM idempotency_keys`.execute(database.db);
  assert.ok(rows.length > 0 && rows.every(({ body }) => !body.includes('tos_')));
});
issuing('a repeat while the first request runs is told so, and another request with the same Idempotency-Key too', async () => {
  const options = { json: { name: 'twice', scope: 'project', project_id: project }, headers: { 'Idempotency-Key': 'issue-2' } };
  await developer.client.expect(201, 'createApiKey', options);
  await developer.client.refused('idempotency-mismatch', 'createApiKey', { ...options, json: { ...options.json, name: 'other' } });
  await sql`UPDATE idempotency_keys SET status = NULL, locked_until = now() + interval '1 minute' WHERE key = 'issue-2'`.execute(database.db);
  await developer.client.refused('idempotency-in-progress', 'createApiKey', options);
});
issuing('does not fit bodies that are none, and other media types', async () => {
  await admin.refused('validation-failed', 'createApiKey', { json: { name: 'k', scope: 'galaxy' } });
  await admin.refused('validation-failed', 'createApiKey', { json: { name: 'k', scope: 'org', allowed_actions: ['everything'] } });
});

const using = suite('API keys');
using('reach what their scope holds and no more', async () => {
  const projectKey = await issueKey(developer.client, { scope: 'project', project_id: project });
  const teamKey = await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId });
  const orgKey = await issueKey(admin, { scope: 'org' });
  assert.equal(await names(projectKey.client), ['One']);
  assert.equal(await names(teamKey.client), ['One', 'Two']);
  assert.equal(await names(orgKey.client), ['Elsewhere', 'One', 'Two']);
  await projectKey.client.expect(200, 'getProject', { path: { id: project } });
  const { detail } = await projectKey.client.refused('forbidden', 'getProject', { path: { id: sibling } });
  assert.match(String(detail), `tos_${projectKey.prefix}_`);
  await teamKey.client.refused('forbidden', 'getProject', { path: { id: foreign } });
  await projectKey.client.refused('not-found', 'getProjectGateResult', { path: { id: sibling } });
  await projectKey.client.refused('forbidden', 'createProject', { json: { name: 'Three' } });
  assert.is(member((await teamKey.client.expect(201, 'createProject', { json: { name: 'Three' } })).body, 'team_id'), teamId);
});
using('name the key and the action that it lacks', async () => {
  const reader = await issueKey(developer.client, { scope: 'project', project_id: project, allowed_actions: ['project:read'] });
  const { detail } = await reader.client.refused('forbidden', 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM) });
  assert.is(detail, `API key 'tos_${reader.prefix}_…' lacks required action 'scan:trigger'.`);
  await reader.client.refused('forbidden', 'listScans');
});
using('queue scans, and the audit log says which key it was', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project, allowed_actions: ['scan:trigger', 'scan:read'] });
  const { body } = await key.client.expect(202, 'createScan', { path: { id: project }, form: sbomForm(SMALL_SBOM) });
  assert.is(member(body, 'requested_by_user_id'), developer.id);
  const { rows: [row] } = await sql<{ actor_kind: string; actor_key_prefix: string; actor_user_id: string }>`
    SELECT actor_kind, actor_key_prefix, actor_user_id FROM audit_log WHERE target_id = ${String(member(body, 'id'))}`.execute(database.db);
  assert.equal(row, { actor_kind: 'api_key', actor_key_prefix: key.prefix, actor_user_id: developer.id });
});
using('are not sign-ins: no key makes keys or touches its issuer', async () => {
  const key = await issueKey(admin, { scope: 'org' });
  await key.client.refused('forbidden', 'createApiKey', { json: { name: 'k', scope: 'org' } });
  await key.client.refused('forbidden', 'listMySessions');
  assert.is(member((await key.client.expect(200, 'getMe')).body, 'is_superuser'), true);
});
using('never do more than their issuer may now', async () => {
  const member_ = await newUser(anonymous, database, 'developer', teamId);
  const key = await issueKey(member_.client, { scope: 'project', project_id: project });
  await key.client.expect(200, 'getProject', { path: { id: project } });
  await sql`DELETE FROM memberships WHERE user_id = ${member_.id}`.execute(database.db);
  while ((await key.client.call('getProject', { path: { id: project } })).status !== 403) await pause(5);
  await sql`UPDATE users SET is_active = false WHERE id = ${member_.id}`.execute(database.db);
  await key.client.isOut();
});
using('end when they expire', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
  await key.client.expect(200, 'getMe');
  await sql`UPDATE api_keys SET expires_at = now() WHERE id = ${key.id}`.execute(database.db);
  await key.client.isOut();
});
using('note their last use once a minute', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project });
  await key.client.expect(200, 'getMe');
  const seen = async () => (await sql<{ at: string; ip: string }>`SELECT last_used_at::text AS at, last_used_ip AS ip FROM api_keys WHERE id = ${key.id}`.execute(database.db)).rows[0];
  const first = await seen();
  assert.is(first?.ip, '127.0.0.1');
  await key.client.expect(200, 'getMe');
  assert.equal(await seen(), first);
});
using('that are altered, cut, in another case or not ours are 401', async () => {
  const { text } = await issueKey(developer.client, { scope: 'project', project_id: project });
  const last = text.endsWith('A') ? 'B' : 'A';
  for (const bad of [text.slice(0, -1), `${text}A`, text.slice(0, -1) + last, text.toUpperCase(), text.replace('tos_', 'TOS_'), text.replace(/_[0-9a-f]{8}_/, '_00000000_'), 'tos_', `tos_${'x'.repeat(41)}`]) {
    assert.is((await anonymous.as(bad).call('getMe')).status, 401, bad.length.toString());
  }
  assert.is((await anonymous.call('getMe', { headers: { Authorization: `Basic ${text}` } })).status, 401);
  assert.is((await anonymous.call('getMe', { headers: { Authorization: `Bearer ${text}, Bearer ${text}` } })).status, 401);
});

using('and tokens are none where the header comes twice', async () => {
  const { text } = await issueKey(developer.client, { scope: 'project', project_id: project });
  const statusWith = async (...credentials: string[]): Promise<number | undefined> => {
    const url = new URL('/auth/me', anonymous.baseUrl);
    const sent = request(url, { headers: ['Host', url.host, 'Connection', 'close', ...credentials.flatMap((one) => ['Authorization', `Bearer ${one}`])] }).end();
    const answers: unknown[] = await once(sent, 'response');
    const response = answers[0];
    if (!(response instanceof IncomingMessage)) throw new Error('that is no answer');
    response.resume();
    await once(response, 'end');
    return response.statusCode;
  };
  assert.is(await statusWith(text), 200);
  assert.is(await statusWith(text, text), 401);
  assert.is(await statusWith(admin.token ?? '', text), 401);
});

const ending = suite('deleteApiKey');
ending('ends a key at once; again changes nothing; only who may', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project });
  const other = await newUser(anonymous, database, 'developer', teamId);
  await other.client.refused('forbidden', 'deleteApiKey', { path: { id: key.id } });
  await key.client.expect(200, 'getMe');
  await teamAdmin.client.expect(204, 'deleteApiKey', { path: { id: key.id } });
  await key.client.isOut();
  await developer.client.expect(204, 'deleteApiKey', { path: { id: key.id } });
  const { rows: [audited] } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM audit_log WHERE target_id = ${key.id} AND action = 'delete'`.execute(database.db);
  assert.is(audited?.count, 1);
  await admin.refused('not-found', 'deleteApiKey', { path: { id: crypto.randomUUID() } });
  const revoked = await developer.client.expect(200, 'listApiKeys', { query: { include_revoked: true, limit: 200 } });
  const items = member(revoked.body, 'items');
  assert.ok(Array.isArray(items) && items.some((item) => member(item, 'id') === key.id && member(item, 'revoked_at') !== null));
});

const rotating = suite('rotateApiKey');
rotating('gives a new secret, keeps the rest, and ends the old one', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project, allowed_actions: ['scan:read'] });
  const { body } = await developer.client.expect(201, 'rotateApiKey', { path: { id: key.id }, json: {} });
  assert.equal([member(body, 'scope'), member(body, 'project_id'), member(body, 'allowed_actions')], ['project', project, ['scan:read']]);
  await anonymous.as(String(member(body, 'raw_key'))).expect(200, 'listScans');
  await key.client.isOut();
  await developer.client.refused('conflict', 'rotateApiKey', { path: { id: key.id }, json: {} });
});
rotating('lets the old one live on for the time asked', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project });
  await developer.client.expect(201, 'rotateApiKey', { path: { id: key.id }, json: { grace_seconds: 600 } });
  await key.client.expect(200, 'getMe');
  const { rows: [row] } = await sql<{ left: number }>`SELECT extract(epoch FROM expires_at - now())::int AS left FROM api_keys WHERE id = ${key.id}`.execute(database.db);
  assert.ok((row?.left ?? 0) > 500 && (row?.left ?? 0) <= 600);
});
rotating('refuses a time that is none', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project });
  await developer.client.refused('validation-failed', 'rotateApiKey', { path: { id: key.id }, json: { grace_seconds: 'a while' } });
  await key.client.expect(200, 'getMe');
});
rotating('of ten at once makes one new key', async () => {
  const key = await issueKey(developer.client, { scope: 'project', project_id: project });
  const answers = await Promise.all(Array.from({ length: 10 }, () => developer.client.call('rotateApiKey', { path: { id: key.id }, json: {} })));
  assert.equal(answers.map(({ status }) => status).sort(), [201, ...Array.from({ length: 9 }, () => 409)]);
});

/** /v1/users/me: the own password, sessions and notification preferences. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member, type ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser, type NewUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'a long enough passphrase';
const NEXT = 'velvet-harbour-61-quartz';
const { anonymous, database } = await startTestPortal({}, { api: true, worker: false });
const { db } = database;
const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);
const someone = (): Promise<NewUser> => newUser(anonymous, database, 'developer');
const again = (user: NewUser, password = PASSWORD): Promise<ContractClient> => anonymous.signIn(user.email, password);
const sessionIds = async (client: ContractClient): Promise<string[]> => {
  const { body } = await client.expect(200, 'listMySessions', { query: { sort: 'created_at' } });
  const items = member(body, 'items');
  return Array.isArray(items) ? items.map((item) => String(member(item, 'id'))) : [];
};

const password = suite('replaceMyPassword');
password.beforeEach(forgetLimits);
password('changes it and ends the other sessions, not this one', async () => {
  const user = await someone();
  const other = await again(user);
  await user.client.expect(204, 'replaceMyPassword', { json: { current_password: PASSWORD, new_password: NEXT } });
  await user.client.expect(200, 'getMe');
  await other.isOut();
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: user.email, password: PASSWORD } });
  await again(user, NEXT);
  const { rows } = await sql<{ diff: unknown }>`SELECT diff FROM audit_log WHERE operation = 'replaceMyPassword' AND target_id = ${user.id}`.execute(db);
  assert.equal(rows, [{ diff: { password_hash: '***', sessions_ended: 1 } }]);
});
password('a wrong current password, the same one again and a weak one are refused', async () => {
  const { client, email } = await someone();
  const wrong = await client.refused('validation-failed', 'replaceMyPassword', { json: { current_password: 'wrong', new_password: NEXT } });
  assert.is(member(wrong, 'errors', 0, 'pointer'), '/current_password');
  const same = await client.refused('validation-failed', 'replaceMyPassword', { json: { current_password: PASSWORD, new_password: PASSWORD } });
  assert.is(member(same, 'errors', 0, 'pointer'), '/new_password');
  await client.refused('weak-password', 'replaceMyPassword', { json: { current_password: PASSWORD, new_password: `x ${email}` } });
});
password('of two at once one wins', async () => {
  const { client } = await someone();
  const answers = await Promise.all([NEXT, 'copper-lantern-27-orbit'].map((next) => client.call('replaceMyPassword', { json: { current_password: PASSWORD, new_password: next } })));
  assert.equal(answers.map(({ status }) => status).sort(), [204, 422]);
});
password('an account without a password gets its first one by a reset', async () => {
  const { client, id, email } = await someone();
  await sql`UPDATE users SET password_hash = NULL WHERE id = ${id}`.execute(db);
  await client.refused('conflict', 'replaceMyPassword', { json: { current_password: PASSWORD, new_password: NEXT } });
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email, password: PASSWORD } });
});
password('is limited to five tries a minute and user', async () => {
  const [one, two] = [await someone(), await someone()];
  const json = { current_password: 'wrong', new_password: NEXT };
  for (let attempt = 0; attempt < 5; attempt += 1) await one.client.refused('validation-failed', 'replaceMyPassword', { json });
  await one.client.refused('too-many-requests', 'replaceMyPassword', { json });
  await two.client.refused('validation-failed', 'replaceMyPassword', { json });
});

const sessions = suite('sessions');
sessions.beforeEach(forgetLimits);
sessions('are listed with the present one marked, in pages and in order', async () => {
  const user = await someone();
  await again(user);
  const { body } = await user.client.expect(200, 'listMySessions', { query: { sort: 'created_at' } });
  assert.equal([member(body, 'total'), member(body, 'items', 0, 'current'), member(body, 'items', 1, 'current')], [2, true, false]);
  assert.equal([member(body, 'items', 0, 'ip'), member(body, 'items', 0, 'user_agent')], ['127.0.0.1', 'node']);
  const page = await user.client.expect(200, 'listMySessions', { query: { sort: '-created_at', limit: 1, offset: 1 } });
  assert.equal([member(page.body, 'total'), member(page.body, 'items', 0, 'current'), member(page.body, 'items', 1)], [2, true, undefined]);
});
sessions('one is ended, once, with its access token', async () => {
  const user = await someone();
  const other = await again(user);
  const id = (await sessionIds(user.client))[1] ?? '';
  await user.client.expect(204, 'deleteMySession', { path: { session_id: id } });
  await other.isOut();
  await user.client.refused('not-found', 'deleteMySession', { path: { session_id: id } });
  assert.is((await sessionIds(user.client)).length, 1);
});
sessions("another user's is not found and goes on", async () => {
  const [one, two] = [await someone(), await someone()];
  await one.client.refused('not-found', 'deleteMySession', { path: { session_id: (await sessionIds(two.client))[0] ?? '' } });
  await two.client.expect(200, 'getMe');
});
sessions('all others are ended, and ending none is no fault', async () => {
  const [user, bystander] = [await someone(), await someone()];
  const others = [await again(user), await again(user)];
  for (let time = 0; time < 2; time += 1) await user.client.expect(204, 'deleteMyOtherSessions');
  for (const other of others) await other.isOut();
  await user.client.expect(200, 'getMe');
  await bystander.client.expect(200, 'getMe');
});
sessions('the present one may be ended too', async () => {
  const user = await someone();
  await user.client.expect(204, 'deleteMySession', { path: { session_id: (await sessionIds(user.client))[0] ?? '' } });
  await user.client.isOut();
});
sessions('left their audit rows', async () => {
  const { rows } = await sql<{ operation: string }>`SELECT DISTINCT operation FROM audit_log`.execute(db);
  for (const operation of ['deleteMySession', 'deleteMyOtherSessions']) assert.ok(rows.some((row) => row.operation === operation), operation);
});

const preferences = suite('notification preferences');
preferences('begin with in-app and e-mail, and are replaced as a whole', async () => {
  const { client, id } = await someone();
  const defaults = { in_app_enabled: true, email_enabled: true, slack_enabled: false, teams_enabled: false, kinds: {} };
  assert.equal((await client.expect(200, 'getNotificationPreferences')).body, defaults);
  const changed = { ...defaults, email_enabled: false, slack_enabled: true, kinds: { scan_failed: { email_enabled: true } } };
  for (let time = 0; time < 2; time += 1) assert.equal((await client.expect(200, 'replaceNotificationPreferences', { json: changed })).body, changed);
  assert.equal((await client.expect(200, 'getNotificationPreferences')).body, changed);
  const { kinds, ...withoutKinds } = defaults;
  assert.equal((await client.expect(200, 'replaceNotificationPreferences', { json: withoutKinds })).body, { ...withoutKinds, kinds });
  const { rows } = await sql`SELECT 1 FROM audit_log WHERE operation = 'replaceNotificationPreferences' AND target_id = ${id}`.execute(db);
  assert.is(rows.length, 3);
});
preferences('in-app stays on, and unknown kinds and channels are refused', async () => {
  const { client } = await someone();
  const all = { in_app_enabled: true, email_enabled: true, slack_enabled: true, teams_enabled: true };
  await client.refused('in-app-required', 'replaceNotificationPreferences', { json: { ...all, in_app_enabled: false } });
  await client.refused('validation-failed', 'replaceNotificationPreferences', { json: { ...all, kinds: { weather: {} } } });
  await client.refused('validation-failed', 'replaceNotificationPreferences', { json: { ...all, kinds: { scan_failed: { pager_enabled: true } } } });
  await client.refused('validation-failed', 'replaceNotificationPreferences', { json: { in_app_enabled: true } });
});

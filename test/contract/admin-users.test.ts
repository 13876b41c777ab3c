/** Accounts of the installation: who there is, and new passwords for them. What they may: admin-users-rights.test.ts. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { NEXT, NOBODY, startWithUsers } from '../support/admin-users.ts';
import { issueKey } from '../support/api-keys.ts';
import { itemsOf, member } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { openMailbox, tokenIn } from '../support/mailbox.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, adminId, db, developer, lead, forgetLimits } = await startWithUsers();
const emails = async (query: Record<string, string | number | boolean>): Promise<unknown[]> => itemsOf((await admin.expect(200, 'listAdminUsers', { query })).body).map((row) => row['email']);

const list = suite('listAdminUsers');
list('finds by text in address or name, whatever the case, and takes wildcards for what they are', async () => {
  const [ada, bob] = [await developer(), await lead()];
  await sql`UPDATE users SET full_name = 'Ada 100% Lovelace', email = 'ada_l@search.example' WHERE id = ${ada.id}`.execute(db);
  await sql`UPDATE users SET full_name = NULL, email = 'bob@search.example' WHERE id = ${bob.id}`.execute(db);
  assert.equal(await emails({ search: 'SEARCH.example', sort: 'email' }), ['ada_l@search.example', 'bob@search.example']);
  assert.equal(await emails({ search: 'SEARCH.example', sort: '-email' }), ['bob@search.example', 'ada_l@search.example']);
  assert.equal(await emails({ search: 'search.example', sort: 'full_name' }), ['ada_l@search.example', 'bob@search.example'], 'no name comes last');
  assert.equal(await emails({ search: '0% love' }), ['ada_l@search.example']);
  assert.equal([await emails({ search: 'a_l@' }), await emails({ search: 'adaxl' }), await emails({ search: 'b_b@search' })], [['ada_l@search.example'], [], []]);
  assert.equal(await emails({ search: 'search.example', team_id: bob.teamId }), ['bob@search.example']);
  assert.equal([await emails({ search: 'search.example', role: 'developer' }), await emails({ search: 'search.example', role: 'team_admin' }), await emails({ search: 'search.example', role: 'super_admin' })],
    [['ada_l@search.example'], ['bob@search.example'], []]);
  assert.equal(await emails({ role: 'developer', team_id: bob.teamId }), []);
  await admin.expect(200, 'deactivateAdminUser', { path: { id: bob.id } });
  assert.equal([await emails({ search: 'search.example', active: true }), await emails({ search: 'search.example', active: false })], [['ada_l@search.example'], ['bob@search.example']]);
  const { body } = await admin.expect(200, 'listAdminUsers', { query: { search: 'search.example', limit: 1, offset: 1, sort: 'last_login_at' } });
  assert.equal([member(body, 'total'), itemsOf(body).length, member(body, 'items', 0, 'email')], [2, 1, 'bob@search.example']);
});
list('is not there for anybody else, and for keys of anything less than the installation', async () => {
  const user = await lead();
  const key = await issueKey(user.client, { scope: 'team', team_id: user.teamId });
  for (const client of [user.client, key.client]) await client.refused('not-found', 'listAdminUsers');
  await (await issueKey(admin, { scope: 'org' })).client.expect(200, 'listAdminUsers');
});

const get = suite('getAdminUser');
get('shows the teams and how many scans the user asked for', async () => {
  const user = await lead();
  await scanToEnd(user.client, await newProject(user.client), sbomForm(SMALL_SBOM));
  const { body } = await admin.expect(200, 'getAdminUser', { path: { id: user.id.toUpperCase() } });
  assert.equal([member(body, 'email'), member(body, 'scan_count'), member(body, 'memberships')], [user.email, 1, [{ team_id: user.teamId, team_name: user.email, role: 'team_admin' }]]);
  await admin.refused('not-found', 'getAdminUser', { path: { id: NOBODY } });
});

const reset = suite('resetAdminUserPassword');
reset('without mail gives a link that works once; a newer one voids it', async () => {
  const user = await developer();
  const order = async () => (await admin.expect(200, 'resetAdminUserPassword', { path: { id: user.id } })).body;
  const [first, second] = [await order(), await order()];
  const tokenOf = (body: unknown) => /\/reset-password\?token=([\w-]{43})$/.exec(String(member(body, 'reset_url')))?.[1] ?? '';
  assert.ok(Math.abs(Date.parse(String(member(second, 'expires_at'))) - Date.now() - 3_600_000) < 60_000);
  await user.client.expect(200, 'getMe'); // the present password and sessions stay until it is used
  await anonymous.refused('invalid-token', 'resetPassword', { json: { token: tokenOf(first), new_password: NEXT } });
  await anonymous.expect(204, 'resetPassword', { json: { token: tokenOf(second), new_password: NEXT } });
  await anonymous.refused('invalid-token', 'resetPassword', { json: { token: tokenOf(second), new_password: NEXT } });
  await forgetLimits();
  await anonymous.signIn(user.email, NEXT);
  const { rows } = await sql<{ text: string }>`SELECT a::text AS text FROM audit_log a WHERE target_table = 'password_reset_tokens' AND target_id = ${user.id}`.execute(db);
  assert.is(rows.length, 2);
  assert.not.ok(rows.some(({ text }) => text.includes(tokenOf(second))));
});
reset('gives no link to a key, for the own account, or for one that is deactivated', async () => {
  const user = await developer();
  await (await issueKey(admin, { scope: 'org' })).client.refused('conflict', 'resetAdminUserPassword', { path: { id: user.id } });
  await admin.refused('conflict', 'resetAdminUserPassword', { path: { id: adminId.toUpperCase() } });
  await admin.expect(200, 'deactivateAdminUser', { path: { id: user.id } });
  await admin.refused('conflict', 'resetAdminUserPassword', { path: { id: user.id } });
  await admin.refused('not-found', 'resetAdminUserPassword', { path: { id: NOBODY } });
  await (await lead()).client.refused('not-found', 'resetAdminUserPassword', { path: { id: user.id } });
});
reset('mails the link where the portal sends mail', async () => {
  const mailbox = await openMailbox();
  const mailing = await startTestPortal({ SMTP_URL: mailbox.url, MAIL_FROM: 'portal@example.test' });
  const user = await newUser(mailing.anonymous, mailing.database, 'developer');
  await mailing.admin.expect(204, 'resetAdminUserPassword', { path: { id: user.id } });
  await mailing.anonymous.expect(204, 'resetPassword', { json: { token: tokenIn(await mailbox.next(user.email), 'reset-password'), new_password: NEXT } });
  await user.client.isOut();
});

/** What accounts may, and who may come in at all: roles given and taken, accounts shut and opened, and that one super admin is always left. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { NEXT, NOBODY, startWithUsers } from '../support/admin-users.ts';
import { issueKey } from '../support/api-keys.ts';
import { member, type Answer, type ContractClient } from '../support/contract.ts';
import { authFrame, watch } from '../support/live.ts';
import { ADMIN } from '../support/portal.ts';
import { newProject, queuedScan, type NewUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, adminId, database, db, developer, lead, forgetLimits } = await startWithUsers();
const PASSWORD = 'a long enough passphrase';

async function superAdmin(): Promise<NewUser> {
  const user = await developer();
  await admin.expect(200, 'updateAdminUserRole', { path: { id: user.id }, json: { role: 'super_admin' } });
  return user;
}
const superAdmins = async (): Promise<string[]> => (await sql<{ id: string }>`SELECT id FROM users WHERE is_super_admin AND is_active ORDER BY id`.execute(db)).rows.map(({ id }) => id);
const auditOf = async (id: string): Promise<unknown[]> => (await sql<{ diff: unknown }>`SELECT diff - 'sessions_ended' AS diff FROM audit_log WHERE target_table = 'users' AND target_id = ${id} AND action = 'update' ORDER BY id`.execute(db)).rows.map(({ diff }) => diff);
/** Everybody else steps back, so that these alone are super admins; and afterwards the first one is back. */
async function aloneWith(users: readonly NewUser[], act: () => Promise<void>): Promise<void> {
  const before = await superAdmins();
  await sql`UPDATE users SET is_super_admin = (id = ANY(${users.map(({ id }) => id)}::uuid[])) WHERE is_super_admin OR id = ANY(${users.map(({ id }) => id)}::uuid[])`.execute(db);
  await act().finally(async () => {
    await sql`UPDATE users SET is_super_admin = true WHERE id = ANY(${before}::uuid[])`.execute(db);
    await sql`UPDATE users SET is_super_admin = false WHERE is_super_admin AND id <> ${adminId}`.execute(db);
    await becomes(admin, 200);
  });
}
/** Waits until the process has heard of a change of rights. */
async function becomes(client: ContractClient, status: number): Promise<void> {
  for (const deadline = Date.now() + 5_000; (await client.call('listAdminTeams')).status !== status; ) assert.ok(Date.now() < deadline, `never ${status}`);
}
const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status).toSorted((a, b) => a - b);

const role = suite('updateAdminUserRole');
role('makes a super admin, and takes the rights again: both count at once', async () => {
  const user = await developer();
  await user.client.refused('not-found', 'listAdminUsers');
  const change = (json: unknown) => admin.expect(200, 'updateAdminUserRole', { path: { id: user.id }, json });
  assert.is(member((await change({ role: 'super_admin' })).body, 'is_superuser'), true);
  await user.client.expect(200, 'listAdminUsers');
  await change({ role: 'super_admin' });
  const { body } = await change({ role: 'developer' });
  assert.equal([member(body, 'is_superuser'), member(body, 'memberships', 0, 'role')], [false, 'developer']);
  await user.client.refused('not-found', 'listAdminUsers');
  await change({ role: 'developer' });
  assert.equal(await auditOf(user.id), [{ is_super_admin: [false, true] }, { is_super_admin: [true, false] }], 'the same again changes nothing');
});
role('gives a role in a team, to new members too, or in all of the user\'s teams', async () => {
  const [user, other] = [await developer(), await lead()];
  const change = async (json: unknown) => member((await admin.expect(200, 'updateAdminUserRole', { path: { id: user.id }, json })).body, 'memberships');
  assert.equal(await change({ role: 'team_admin', team_id: other.teamId }), [{ team_id: user.teamId, team_name: user.email, role: 'developer' }, { team_id: other.teamId, team_name: other.email, role: 'team_admin' }]);
  await newProject(user.client, { team_id: other.teamId });
  assert.equal(await change({ role: 'team_admin' }), [{ team_id: user.teamId, team_name: user.email, role: 'team_admin' }, { team_id: other.teamId, team_name: other.email, role: 'team_admin' }]);
  assert.is(JSON.stringify(await change({ role: 'developer' })).match(/developer/g)?.length, 2);
});
role('refuses what does not fit, and who has no business there', async () => {
  const user = await developer();
  const at = { path: { id: user.id } };
  for (const json of [{ role: 'super_admin', team_id: user.teamId }, { role: 'developer', team_id: NOBODY }, { role: 'viewer' }, {}]) await admin.refused('validation-failed', 'updateAdminUserRole', { ...at, json });
  await admin.refused('not-found', 'updateAdminUserRole', { path: { id: NOBODY }, json: { role: 'developer' } });
  await user.client.refused('not-found', 'updateAdminUserRole', { ...at, json: { role: 'super_admin' } }); // nobody raises their own role
  await (await lead()).client.refused('not-found', 'updateAdminUserRole', { ...at, json: { role: 'super_admin' } });
});
role('of the own account is refused: as the last super admin, or as nobody\'s own business; also through a key', async () => {
  const own = { path: { id: adminId }, json: { role: 'developer' } };
  await admin.refused('last-super-admin', 'updateAdminUserRole', own);
  await superAdmin();
  await admin.refused('cannot-modify-self', 'updateAdminUserRole', own);
  await (await issueKey(admin, { scope: 'org' })).client.refused('cannot-modify-self', 'updateAdminUserRole', { ...own, path: { id: adminId.toUpperCase() } });
  await admin.expect(200, 'updateAdminUserRole', { path: { id: adminId }, json: { role: 'super_admin' } });
  assert.equal(await auditOf(adminId), []);
});
role('does not take its last active admin from a team that has others', async () => {
  const boss = await lead();
  const worker = await developer(boss.teamId);
  const demote = { path: { id: boss.id }, json: { role: 'developer' } };
  await admin.refused('last-team-admin', 'updateAdminUserRole', demote);
  await admin.expect(200, 'deactivateAdminUser', { path: { id: worker.id } });
  await admin.expect(200, 'updateAdminUserRole', demote); // nobody else is left
});
role('two super admins who take each other\'s rights at once: one stays, in every round', async () => {
  for (let round = 0; round < 10; round += 1) {
    const pair = [await superAdmin(), await superAdmin()] as const;
    await aloneWith(pair, async () => {
      const demote = (who: NewUser, whom: NewUser) => who.client.call('updateAdminUserRole', { path: { id: whom.id }, json: { role: 'developer' } });
      const answers = await Promise.all([demote(pair[0], pair[1]), demote(pair[1], pair[0])]);
      assert.is((await superAdmins()).length, 1);
      assert.is(answers.filter(({ status }) => status === 200).length, 1, answers.map(({ text }) => text).join('\n'));
      assert.ok(answers.every(({ status, text }) => status === 200 || (status === 409 && text.includes('last-super-admin')) || status === 404));
    });
  }
});
role('fifty super admins, each against the next one, at once: one at least stays, and each change has its entry', async () => {
  const ring = await Promise.all(Array.from({ length: 50 }, superAdmin));
  await aloneWith(ring, async () => {
    const { rows: [before] } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM audit_log WHERE diff ? 'is_super_admin'`.execute(db);
    const answers = await Promise.all(ring.map(({ client }, index) => client.call('updateAdminUserRole', { path: { id: ring[(index + 1) % ring.length]?.id ?? '' }, json: { role: 'developer' } })));
    const left = await superAdmins();
    assert.ok(left.length >= 1);
    const done = answers.filter(({ status }) => status === 200).length;
    assert.is(done, ring.length - left.length);
    assert.ok(answers.every(({ status }) => [200, 404, 409].includes(status)), statuses(answers).join());
    const { rows: [after] } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM audit_log WHERE diff ? 'is_super_admin'`.execute(db);
    assert.is((after?.n ?? 0) - (before?.n ?? 0), done);
  });
}, { timeoutMs: 60_000 });

const deactivate = suite('deactivateAdminUser');
deactivate('ends sessions, keys, sockets and links with the very next request', async () => {
  const user = await lead();
  const key = await issueKey(user.client, { scope: 'team', team_id: user.teamId });
  await key.client.expect(200, 'listProjects');
  const { body: link } = await admin.expect(200, 'resetAdminUserPassword', { path: { id: user.id } });
  await forgetLimits();
  const cookie = /refresh_token=[^;]+/.exec((await anonymous.expect(200, 'loginUser', { json: { email: user.email, password: PASSWORD } })).headers.get('Set-Cookie') ?? '')?.[0] ?? '';
  const scan = await queuedScan(database, await newProject(user.client));
  const listening = Promise.withResolvers<undefined>();
  const socket = watch(anonymous.baseUrl, `/ws/scans/${scan}`, authFrame(user.client.token ?? ''), () => listening.resolve(undefined));
  await listening.promise;
  const { body } = await admin.expect(200, 'deactivateAdminUser', { path: { id: user.id } });
  assert.is(member(body, 'is_active'), false);
  assert.equal([(await user.client.call('getMe')).status, (await key.client.call('listProjects')).status], [401, 401]);
  assert.is((await socket).code, 1008);
  await anonymous.refused('invalid-refresh-token', 'refreshSession', { headers: { Cookie: cookie } });
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: user.email, password: PASSWORD } });
  const token = String(member(link, 'reset_url')).split('token=')[1];
  await anonymous.refused('invalid-token', 'resetPassword', { json: { token, new_password: NEXT } });
  const { rows } = await sql<{ reason: string }>`SELECT DISTINCT ended_reason AS reason FROM sessions WHERE user_id = ${user.id}`.execute(db);
  assert.equal(rows, [{ reason: 'deactivated' }]);

  await admin.expect(200, 'activateAdminUser', { path: { id: user.id } });
  await key.client.expect(200, 'listProjects'); // it was never revoked
  assert.is((await user.client.call('getMe')).status, 401, 'a session that was ended stays so');
  await anonymous.refused('invalid-token', 'resetPassword', { json: { token, new_password: NEXT } });
  await forgetLimits();
  await anonymous.signIn(user.email, PASSWORD);
});
deactivate('again changes nothing; fifty at once are one change', async () => {
  const { id } = await developer();
  const answers = await Promise.all(Array.from({ length: 50 }, () => admin.call('deactivateAdminUser', { path: { id } })));
  assert.equal([...new Set(statuses(answers))], [200]);
  assert.equal(await auditOf(id), [{ is_active: [true, false] }]);
  await Promise.all(Array.from({ length: 10 }, () => admin.expect(200, 'activateAdminUser', { path: { id } })));
  assert.equal(await auditOf(id), [{ is_active: [true, false] }, { is_active: [false, true] }]);
});
deactivate('of the own account is refused', async () => {
  await aloneWith([{ id: adminId, email: ADMIN.email, teamId: '', client: admin }], async () => {
    await admin.refused('last-super-admin', 'deactivateAdminUser', { path: { id: adminId } });
    await superAdmin();
    await admin.refused('cannot-modify-self', 'deactivateAdminUser', { path: { id: adminId } });
  });
  await admin.refused('not-found', 'deactivateAdminUser', { path: { id: NOBODY } });
  await admin.refused('not-found', 'activateAdminUser', { path: { id: NOBODY } });
  await (await lead()).client.refused('not-found', 'deactivateAdminUser', { path: { id: adminId } });
});
deactivate('while half of fifty super admins deactivate and half demote one another: one stays', async () => {
  const ring = await Promise.all(Array.from({ length: 50 }, superAdmin));
  await aloneWith(ring, async () => {
    const answers = await Promise.all(ring.map(({ client }, index) => {
      const path = { id: ring[(index + 7) % ring.length]?.id ?? '' };
      return index % 2 === 0 ? client.call('deactivateAdminUser', { path }) : client.call('updateAdminUserRole', { path, json: { role: 'developer' } });
    }));
    assert.ok((await superAdmins()).length >= 1);
    assert.ok(answers.every(({ status }) => [200, 401, 404, 409].includes(status)), statuses(answers).join());
  });
}, { timeoutMs: 60_000 });

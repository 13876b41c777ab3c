/** Every operation that changes something writes its audit row, with who and whence; and no secret is in that, in the log, or in a kept answer. */
import { createHmac } from 'node:crypto';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { operationIds as ids, operations } from '../../generated/operations.ts';
import { readMigrations } from '../../src/db/migrate.ts';
import { keyCheck } from '../../src/domain/backups/key-check.ts';
import type { OperationId } from '../../src/http/types.ts';
import { someone } from '../support/accounts.ts';
import { issueKey } from '../support/api-keys.ts';
import { startAudited } from '../support/audited.ts';
import { archiveOf, restoreForm } from '../support/backups.ts';
import { githubPush, gitlabPush, startCodeHost } from '../support/code-host.ts';
import { member, type CallOptions, type ContractClient } from '../support/contract.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { GIT } from '../support/git.ts';
import { tokenIn } from '../support/mailbox.ts';
import { ADMIN } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const {
  logged, mailbox, admin, anonymous, database, db, portal, secrets, secret, password, forgetLimits, refreshToken, signedUp, approval, policy, team, told, hooked, someFinding, channel,
} = await startAudited();

type Call = { client: ContractClient; options: CallOptions; status: number; table: string };
type Changing = { [Id in OperationId]: (typeof operations)[Id]['method'] extends 'get' ? never : Id }[OperationId];

/** How each is called with success. A changing operation that is missing here does not compile. */
const CALLS: Record<Changing, () => Call | Promise<Call>> = {
  registerUser: () => ({ client: anonymous, options: { json: { email: someone(), password: password() } }, status: 202, table: 'pending_registrations' }),
  verifyEmail: async () => {
    const json = { email: someone(), password: password() };
    await anonymous.expect(202, 'registerUser', { json });
    return { client: anonymous, options: { json: { token: secret(tokenIn(await mailbox.next(json.email), 'verify-email')), password: json.password } }, status: 201, table: 'users' };
  },
  loginUser: () => ({ client: anonymous, options: { json: ADMIN }, status: 200, table: 'sessions' }),
  refreshSession: async () => ({ client: anonymous, options: { headers: { Cookie: (await signedUp()).cookie } }, status: 200, table: 'sessions' }),
  logoutUser: async () => ({ client: anonymous, options: { headers: { Cookie: (await signedUp()).cookie } }, status: 204, table: 'sessions' }),
  forgotPassword: async () => ({ client: anonymous, options: { json: { email: (await signedUp()).email } }, status: 204, table: 'password_reset_tokens' }),
  resetPassword: async () => {
    const { email } = await signedUp();
    await anonymous.expect(204, 'forgotPassword', { json: { email } });
    return { client: anonymous, options: { json: { token: secret(tokenIn(await mailbox.next(email), 'reset-password')), new_password: password() } }, status: 204, table: 'users' };
  },
  replaceMyPassword: async () => {
    const user = await signedUp();
    return { client: user.client, options: { json: { current_password: user.password, new_password: password() } }, status: 204, table: 'users' };
  },
  deleteMySession: async () => {
    const { client } = await signedUp();
    const { body } = await client.expect(200, 'listMySessions');
    return { client, options: { path: { session_id: String(member(body, 'items', 0, 'id')) } }, status: 204, table: 'sessions' };
  },
  deleteMyOtherSessions: async () => ({ client: (await signedUp()).client, options: {}, status: 204, table: 'sessions' }),
  replaceNotificationPreferences: async () => ({
    client: (await signedUp()).client, options: { json: { in_app_enabled: true, email_enabled: false, slack_enabled: false, teams_enabled: false } }, status: 200, table: 'notification_preferences',
  }),
  deleteOauthIdentity: async () => {
    const user = await newUser(anonymous, database, 'developer');
    const { rows } = await sql<{ id: string }>`
      INSERT INTO oauth_identities (user_id, provider, issuer, provider_user_id) VALUES (${user.id}, 'github', 'https://github.com', ${user.id}) RETURNING id`.execute(db);
    return { client: user.client, options: { path: { identity_id: rows[0]?.id ?? '' } }, status: 204, table: 'oauth_identities' };
  },
  createApiKey: async () => ({ client: (await signedUp()).client, options: { json: { name: 'k', scope: 'project', project_id: '' } }, status: 201, table: 'api_keys' }),
  rotateApiKey: async () => {
    const key = await issueKey(admin, { scope: 'org' });
    secret(key.text);
    return { client: admin, options: { path: { id: key.id }, json: { grace_seconds: 60 } }, status: 201, table: 'api_keys' };
  },
  deleteApiKey: async () => ({ client: admin, options: { path: { id: (await issueKey(admin, { scope: 'org' })).id } }, status: 204, table: 'api_keys' }),
  createProject: () => ({ client: admin, options: { json: { name: 'Audited', git_url: `https://user:${password()}@example.com/a/b.git` } }, status: 201, table: 'projects' }),
  updateProject: async () => ({ client: admin, options: { path: { id: await newProject(admin) }, headers: { 'If-Match': '1' }, json: { git_url: 'https://example.com/a/b.git', git_credential: password() } }, status: 200, table: 'projects' }),
  deleteProject: async () => ({ client: admin, options: { path: { id: await newProject(admin) } }, status: 204, table: 'projects' }),
  createApproval: async () => {
    const { projectId, componentId } = await approval('MIT');
    return { client: admin, options: { json: { project_id: projectId, component_id: componentId } }, status: 201, table: 'approvals' };
  },
  transitionApproval: async () => ({ client: admin, options: { path: { id: (await approval()).id }, headers: { 'If-Match': '1' }, json: { action: 'rejected' } }, status: 200, table: 'approvals' }),
  deleteApproval: async () => ({ client: admin, options: { path: { id: (await approval()).id } }, status: 204, table: 'approvals' }),
  updateProjectObligation: async () => {
    const { projectId } = await approval();
    const { body } = await admin.expect(200, 'listProjectObligations', { path: { id: projectId } });
    return { client: admin, options: { path: { id: projectId, obligation_id: String(member(body, 'items', 0, 'id')) }, headers: { 'If-Match': '1' }, json: { status: 'fulfilled' } }, status: 200, table: 'obligation_fulfilments' };
  },
  replaceConcludedLicense: async () => ({
    client: admin, options: { path: { component_id: (await approval()).componentId }, json: { expression: 'MIT', justification: 'as its repository says' } }, status: 200, table: 'concluded_licenses',
  }),
  deleteConcludedLicense: async () => {
    const { componentId } = await approval();
    await admin.expect(200, 'replaceConcludedLicense', { path: { component_id: componentId }, json: { expression: 'MIT', justification: 'as its repository says' } });
    return { client: admin, options: { path: { component_id: componentId }, headers: { 'If-Match': '1' } }, status: 204, table: 'concluded_licenses' };
  },
  createNotificationChannel: () => ({ client: admin, options: { json: { type: 'webhook', scope: 'organization', name: 'Bot', url: 'https://hooks.invalid/services?key=t0p-secret' } }, status: 201, table: 'notification_channels' }),
  updateNotificationChannel: async () => ({ client: admin, options: { path: { id: (await channel()).id }, headers: { 'If-Match': '1' }, json: { is_enabled: false } }, status: 200, table: 'notification_channels' }),
  deleteNotificationChannel: async () => ({ client: admin, options: { path: { id: (await channel()).id } }, status: 204, table: 'notification_channels' }),
  testNotificationChannel: async () => ({ client: admin, options: { path: { id: (await channel()).id } }, status: 200, table: 'channel_deliveries' }),
  rotateNotificationChannelSecret: async () => ({ client: admin, options: { path: { id: (await channel()).id }, json: {} }, status: 201, table: 'notification_channels' }),
  resendNotificationDelivery: async () => {
    const { id, delivery } = await channel();
    return { client: admin, options: { path: { id, delivery_id: delivery } }, status: 202, table: 'channel_deliveries' };
  },
  createAdminBackup: () => ({ client: admin, options: {}, status: 202, table: 'backups' }),
  deleteAdminBackup: async () => {
    await sql`INSERT INTO backups (name, kind, status, is_encrypted) VALUES ('manual-20261101T000000Z', 'manual', 'failed', false)`.execute(db);
    return { client: admin, options: { path: { name: 'manual-20261101T000000Z' } }, status: 204, table: 'backups' };
  },
  restoreAdminBackup: async () => {
    const migrations = (await readMigrations()).map(({ name, checksum }) => ({ name, checksum }));
    const archive = await archiveOf({ key_check: keyCheck(portal.services.vault) }, migrations, [{ name: 'teams', columns: ['id'], text: 'what the database refuses\n' }]); // the other tests want what is there
    return { client: admin, options: { form: restoreForm(archive) }, status: 202, table: 'restores' };
  },
  createLicensePolicy: () => ({ client: admin, options: { json: { scope: 'organization', license: 'ISC', tier: 'allowed' } }, status: 201, table: 'license_policies' }),
  updateLicensePolicy: async () => ({ client: admin, options: { path: { id: await policy() }, headers: { 'If-Match': '1' }, json: { tier: 'forbidden' } }, status: 200, table: 'license_policies' }),
  deleteLicensePolicy: async () => ({ client: admin, options: { path: { id: await policy() } }, status: 204, table: 'license_policies' }),
  updateAdminUserRole: async () => ({ client: admin, options: { path: { id: (await newUser(anonymous, database, 'developer')).id }, json: { role: 'super_admin' } }, status: 200, table: 'users' }),
  deactivateAdminUser: async () => ({ client: admin, options: { path: { id: (await newUser(anonymous, database, 'developer')).id } }, status: 200, table: 'users' }),
  activateAdminUser: async () => {
    const { id } = await newUser(anonymous, database, 'developer');
    await admin.expect(200, 'deactivateAdminUser', { path: { id } });
    return { client: admin, options: { path: { id } }, status: 200, table: 'users' };
  },
  resetAdminUserPassword: async () => ({ client: admin, options: { path: { id: (await newUser(anonymous, database, 'developer')).id } }, status: 204, table: 'password_reset_tokens' }),
  createAdminTeam: () => ({ client: admin, options: { json: { name: 'Audited' } }, status: 201, table: 'teams' }),
  updateAdminTeam: async () => ({ client: admin, options: { path: { id: await team() }, headers: { 'If-Match': '1' }, json: { name: 'Renamed' } }, status: 200, table: 'teams' }),
  deleteAdminTeam: async () => ({ client: admin, options: { path: { id: await team() } }, status: 204, table: 'teams' }),
  addAdminTeamMember: async () => ({ client: admin, options: { path: { id: await team() }, json: { user_id: (await newUser(anonymous, database, 'developer')).id, role: 'developer' } }, status: 200, table: 'memberships' }),
  removeAdminTeamMember: async () => {
    const { id, teamId } = await newUser(anonymous, database, 'team_admin');
    return { client: admin, options: { path: { id: teamId, user_id: id } }, status: 200, table: 'memberships' };
  },
  cancelAdminScan: async () => ({ client: admin, options: { path: { scan_id: await queuedScan(database, await newProject(admin)) } }, status: 200, table: 'scans' }),
  updateVulnerabilityFindingStatus: async () => ({ client: admin, options: { path: { finding_id: (await someFinding()).id }, headers: { 'If-Match': '1' }, json: { status: 'analyzing' } }, status: 200, table: 'findings' }),
  updateProjectVulnerabilityStatuses: async () => {
    const { id, project } = await someFinding();
    return { client: admin, options: { path: { id: project }, json: { status: 'analyzing', findings: [{ finding_id: id }] } }, status: 200, table: 'findings' };
  },
  importProjectVex: async () => {
    const { project } = await someFinding();
    const { text } = await admin.expect(200, 'getProjectVex', { path: { id: project } });
    const form = new FormData();
    form.set('upload', new Blob([text.replaceAll('sca-portal:judgement: status=new', 'assessed')]), 'vex.json');
    return { client: admin, options: { path: { id: project }, form }, status: 200, table: 'findings' };
  },
  markNotificationRead: async () => {
    const { client, id } = await told();
    return { client, options: { path: { id } }, status: 204, table: 'notifications' };
  },
  markAllNotificationsRead: async () => ({ client: (await told()).client, options: {}, status: 204, table: 'notifications' }),
  replaceProjectCodeHost: async () => ({ client: admin, options: { path: { id: await newProject(admin) }, json: { kind: 'github', token: password() } }, status: 200, table: 'project_code_hosts' }),
  deleteProjectCodeHost: async () => {
    const id = await newProject(admin);
    await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', token: password() } });
    return { client: admin, options: { path: { id } }, status: 204, table: 'project_code_hosts' };
  },
  postScanPullRequestComment: async () => {
    const [id, token] = [await newProject(admin, { git_url: 'https://git.invalid/acme/shop.git' }), password()];
    const host = await startCodeHost('github', 'acme/shop', 7, token);
    await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', api_url: host.url, token } });
    const { id: scan } = await scanToEnd(admin, id, sbomForm(SMALL_SBOM));
    return { client: admin, options: { path: { id: scan }, json: { repo_full_name: 'acme/shop', pr_number: 7 } }, status: 200, table: 'pull_requests' };
  },
  rotateProjectWebhookSecret: async () => ({ client: admin, options: { path: { id: await newProject(admin) } }, status: 200, table: 'webhook_secrets' }),
  deleteProjectWebhookSecret: async () => ({ client: admin, options: { path: { id: (await hooked('https://git.invalid/a/gone.git')).id } }, status: 204, table: 'webhook_secrets' }),
  receiveGithubWebhook: async () => {
    const { url, key } = await hooked('https://git.invalid/a/hub.git');
    const raw = JSON.stringify(githubPush(url));
    return { client: anonymous, options: { raw, headers: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'a-1', 'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(raw).digest('hex')}` } }, status: 200, table: 'scans' };
  },
  receiveGitlabWebhook: async () => {
    const { url, key } = await hooked('https://git.invalid/a/lab.git');
    return { client: anonymous, options: { raw: JSON.stringify(gitlabPush(url)), headers: { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Token': key } }, status: 200, table: 'scans' };
  },
  createScan: async () => ({ client: admin, options: { path: { id: await newProject(admin) }, form: sbomForm(SMALL_SBOM) }, status: 202, table: 'scans' }),
};

/** What starts scans of repositories does so where there is git. */
const NEEDS_GIT: ReadonlySet<string> = new Set(['receiveGithubWebhook', 'receiveGitlabWebhook']);
const changing = ids.filter((id): id is Changing => Object.hasOwn(CALLS, id));
const test = suite('audit');
for (const id of changing) {
  (GIT || !NEEDS_GIT.has(id) ? test : test.skip)(`${id} writes its row, with who, whence and which request`, async () => {
    await forgetLimits();
    const { client, options, status, table } = await CALLS[id]();
    if (id === 'createApiKey') options.json = { name: 'k', scope: 'project', project_id: await newProject(client) };
    await forgetLimits();
    const requestId = `audit-${id}`;
    const answer = await client.expect(status, id, { ...options, headers: { ...options.headers, 'X-Request-ID': requestId, 'User-Agent': 'audit-test/1' } });
    for (const shown of [member(answer.body, 'raw_key'), member(answer.body, 'access_token'), member(answer.body, 'secret')]) if (shown !== undefined) secret(shown);
    if (answer.headers.has('Set-Cookie') && status === 200) refreshToken(answer);
    const { rows } = await sql<{ operation: string; actor_kind: string; ip: string; user_agent: string; target_table: string }>`
      SELECT operation, actor_kind, ip, user_agent, target_table FROM audit_log WHERE request_id = ${requestId}`.execute(db);
    const row = rows.find((one) => one.target_table === table);
    const actorKind = client === anonymous ? 'anonymous' : 'user';
    assert.equal(row, { operation: id, actor_kind: actorKind, ip: '127.0.0.1', user_agent: 'audit-test/1', target_table: table });
  });
}
test('every operation that is no GET is among them', () => {
  assert.equal(changing.toSorted(), ids.filter((id) => operations[id].method !== 'get').toSorted());
});
test('no password, token or key is in the log at any level, in the audit log, in kept answers or in the jobs', async () => {
  const key = await issueKey(admin, { scope: 'org' });
  secret(key.text);
  await key.client.expect(200, 'listProjects');
  await anonymous.as(secret(`tos_0123abcd_${'x'.repeat(32)}`)).call('getMe');
  await anonymous.as(secret(`eyJhbGciOiJub25lIn0.${'x'.repeat(40)}.`)).call('getMe');
  await forgetLimits();
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: ADMIN.email, password: password() } });
  await admin.expect(201, 'createApiKey', { json: { name: 'k', scope: 'org' }, headers: { 'Idempotency-Key': 'k1' } }).then(({ body }) => secret(member(body, 'raw_key')));
  const { rows } = await sql<{ text: string }>`
    SELECT a::text AS text FROM audit_log a UNION ALL SELECT i::text FROM idempotency_keys i UNION ALL SELECT j::text FROM pgboss.job j UNION ALL SELECT k::text FROM api_keys k
    UNION ALL SELECT u::text FROM users u UNION ALL SELECT p::text FROM projects p`.execute(db);
  const everything = [...logged, ...rows.map(({ text }) => text)].join('\n');
  assert.ok(logged.length > 50 && secrets.size > 20, `${logged.length} log lines, ${secrets.size} secrets`);
  assert.equal([...secrets].filter((one) => everything.includes(one)), []);
});

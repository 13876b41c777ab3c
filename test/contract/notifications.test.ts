/** What users are told: by whom it concerns, once, in the portal and by mail, and no longer when they may not see the project. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { deleteOldNotifications } from '../../src/db/notifications.ts';
import { deliverNotices, mailNotifications } from '../../src/domain/notifications/deliver.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { openMailbox } from '../support/mailbox.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd, type NewUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const mailbox = await openMailbox();
const { portal, anonymous, database, admin } = await startTestPortal({ SMTP_URL: mailbox.url });
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, osv({ id: 'GHSA-n1', name: 'alpha', cvss: CRITICAL }), osv({ id: 'GHSA-n2', name: 'alpha', cvss: 'CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:H/I:H/A:H' }), osv({ id: 'GHSA-n3', name: 'low', cvss: 'CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N' }));
const never = new AbortController().signal;
const items = async (client: ContractClient, query: Record<string, string | number | boolean | string[]> = {}): Promise<Record<string, unknown>[]> => {
  const list = member((await client.expect(200, 'listNotifications', { query: { limit: 200, ...query } })).body, 'items');
  return Array.isArray(list) ? list.filter(isRecord) : [];
};
/** Waits for the jobs that the last step has started to have told everything. */
async function settled(): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (let open = 1; open > 0; ) {
    const { rows } = await sql<{ open: number }>`
      SELECT (SELECT count(*) FROM gate_checks)::int + (SELECT count(*) FROM notices)::int + (SELECT count(*) FROM pgboss.job WHERE name IN ('evaluate-gates', 'deliver-notices', 'run-scan') AND state IN ('created', 'active', 'retry'))::int AS open`.execute(db);
    open = rows[0]?.open ?? 0;
    assert.ok(Date.now() < deadline, 'something is never told');
  }
}
const titles = async (client: ContractClient): Promise<string[]> => {
  await settled();
  return (await items(client)).map(({ kind, title }) => `${String(kind)}: ${String(title)}`).sort();
};
const scan = (client: ContractClient, project: string, ...purls: string[]) => scanToEnd(client, project, sbomForm(cycloneDx(purls.map((purl) => ({ purl })))));
async function team(): Promise<{ lead: NewUser; developer: NewUser; project: string }> {
  const lead = await newUser(anonymous, database, 'team_admin');
  const developer = await newUser(anonymous, database, 'developer', lead.teamId);
  return { lead, developer, project: await newProject(lead.client, { name: 'Shop', team_id: lead.teamId }) };
}

const events = suite('notifications');
events('a scan tells who asked for it; its findings and a failed gate tell the team; once', async () => {
  const { lead, developer, project } = await team();
  await scan(developer.client, project, 'pkg:npm/alpha@1.0.0', 'pkg:npm/low@1.0.0');
  const forAll = ['cve_detected: 1 critical and 1 high vulnerabilities new in Shop', 'gate_changed: The gate of Shop is fail'];
  assert.equal([await titles(developer.client), await titles(lead.client)], [[...forAll, 'scan_completed: The scan of Shop has finished'], forAll]);
  await scan(developer.client, project, 'pkg:npm/alpha@1.0.0', 'pkg:npm/low@1.0.0');
  assert.equal((await titles(lead.client)), forAll, 'nothing is new');
  await scan(lead.client, project, 'pkg:npm/low@1.0.0');
  assert.equal((await titles(developer.client)).filter((one) => one.startsWith('gate')), ['gate_changed: The gate of Shop is fail', 'gate_changed: The gate of Shop is pass']);
  const [found] = await items(developer.client, { kind: ['cve_detected'] });
  assert.equal(['link', 'target_table', 'target_id', 'read_at'].map((name) => found?.[name]), [`/projects/${project}/vulnerabilities`, 'projects', project, null]);
  assert.equal(await titles((await newUser(anonymous, database, 'team_admin')).client), []);
});
events('new advisories tell each team once, however many findings they make', async () => {
  const { lead, project } = await team();
  await scan(lead.client, project, 'pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0');
  await settled();
  const record = osv({ id: 'GHSA-n4', name: 'beta', cvss: CRITICAL });
  await importFiles(portal.services, record, osv({ id: 'GHSA-n5', name: 'beta', cvss: CRITICAL }));
  await importFiles(portal.services, record);
  assert.equal((await titles(lead.client)).filter((one) => one.startsWith('cve')), ['cve_detected: 6 critical vulnerabilities new in Shop']);
});
events('a failed scan tells who asked for it, or the admins where nobody did', async () => {
  const { lead, developer, project } = await team();
  await scanToEnd(developer.client, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{'));
  assert.equal([(await titles(developer.client)), await titles(lead.client)], [['scan_failed: The scan of Shop has failed'], []]);
  await sql`UPDATE scans SET status = 'failed', completed_at = now() WHERE id = ${await queuedScan(database, project)}`.execute(db);
  const orphan = await queuedScan(database, project, 'orphan');
  const { failScan } = await import('../../src/db/scan-states.ts');
  await failScan(db, { id: orphan }, { code: 'internal', message: 'It never came to an end.' });
  await deliverNotices(portal.services);
  const [failed] = await items(lead.client);
  assert.equal([failed?.['kind'], failed?.['body'], (await items(developer.client)).length], ['scan_failed', 'orphan: It never came to an end.', 1]);
});
events('approvals tell the admins that they wait, and who asked for one how it was decided', async () => {
  const { lead, developer, project } = await team();
  await scanToEnd(lead.client, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/m@1.0.0', license: 'MPL-2.0' }, { purl: 'pkg:npm/n@1.0.0', license: 'MPL-2.0' }, { purl: 'pkg:npm/o@1.0.0', license: 'MIT' }])));
  assert.equal([(await titles(lead.client)).filter((one) => one.startsWith('approval')), await titles(developer.client)], [['approval_pending: 2 components wait for approval in Shop'], []]);
  const { rows } = await sql<{ id: string }>`SELECT id FROM components WHERE project_id = ${project} AND purl LIKE '%/o@%'`.execute(db);
  const { body } = await developer.client.expect(201, 'createApproval', { json: { project_id: project, component_id: rows[0]?.id } });
  await lead.client.expect(200, 'transitionApproval', { path: { id: String(member(body, 'id')) }, headers: { 'If-Match': '1' }, json: { action: 'rejected', decision_note: 'We have our own.' } });
  await settled();
  const [decided] = await items(developer.client, { kind: ['approval_state_changed'] });
  assert.equal([decided?.['title'], decided?.['body']], ['pkg:npm/o@1.0.0 in Shop is rejected', 'We have our own.']);
});

const list = suite('listNotifications');
async function told(count: number): Promise<NewUser> {
  const user = await newUser(anonymous, database, 'developer');
  await sql`INSERT INTO notifications (user_id, kind, title, body, created_at) SELECT ${user.id}, CASE WHEN n % 2 = 0 THEN 'scan_failed' ELSE 'cve_detected' END, 'Title ' || n, 'Body', now() - n * interval '1 minute' FROM generate_series(1, ${sql.lit(count)}) n`.execute(db);
  return user;
}
list('filters, sorts, pages, and counts what is unread', async () => {
  const { client } = await told(5);
  const names = async (query: Record<string, string | number | boolean | string[]>): Promise<unknown[]> => (await items(client, query)).map((one) => String(one['title']).slice(6));
  assert.equal([await names({}), await names({ sort: 'created_at', limit: 2 }), await names({ offset: 3 }), await names({ kind: ['scan_failed'] }), await names({ sort: 'kind,created_at' })], [['1', '2', '3', '4', '5'], ['5', '4'], ['4', '5'], ['2', '4'], ['5', '3', '1', '4', '2']]);
  const [first] = await items(client);
  const id = String(first?.['id']);
  for (let round = 0; round < 2; round += 1) await client.expect(204, 'markNotificationRead', { path: { id } });
  assert.equal([await names({ unread_only: true }), member((await client.expect(200, 'getUnreadNotificationCount')).body, 'count')], [['2', '3', '4', '5'], 4]);
  assert.is(member((await client.expect(200, 'listNotifications', { query: { limit: 1 } })).body, 'unread_count'), 4);
  const stranger = await newUser(anonymous, database, 'developer');
  await stranger.client.refused('not-found', 'markNotificationRead', { path: { id } });
  await stranger.client.expect(204, 'markAllNotificationsRead');
  await Promise.all([1, 2, 3].map(() => client.expect(204, 'markAllNotificationsRead')));
  assert.equal([await names({ unread_only: true }), member((await client.expect(200, 'getUnreadNotificationCount')).body, 'count')], [[], 0]);
  const { rows } = await sql<{ diff: unknown }>`SELECT diff FROM audit_log WHERE operation = 'markAllNotificationsRead' AND actor_email = (SELECT email FROM users WHERE id = (SELECT user_id FROM notifications WHERE id = ${id}))`.execute(db);
  assert.equal(rows, [{ diff: { count: 4 } }]);
});
list('what is about a project that one may no longer see is gone, and back when one may', async () => {
  const { developer, project } = await team();
  await scan(developer.client, project, 'pkg:npm/alpha@1.0.0');
  assert.is((await titles(developer.client)).length, 3);
  const [first] = await items(developer.client);
  await admin.expect(200, 'removeAdminTeamMember', { path: { id: developer.teamId, user_id: developer.id } });
  assert.equal([await items(developer.client), member((await developer.client.expect(200, 'getUnreadNotificationCount')).body, 'count')], [[], 0]);
  await developer.client.refused('not-found', 'markNotificationRead', { path: { id: String(first?.['id']) } });
  await admin.expect(200, 'addAdminTeamMember', { path: { id: developer.teamId, }, json: { user_id: developer.id, role: 'developer' } });
  assert.is((await items(developer.client)).length, 3);
});
list('is kept for 90 days, and read at once when there are 100,000', async () => {
  const { client, id } = await told(2);
  await sql`INSERT INTO notifications (user_id, kind, title, body, created_at) VALUES (${id}, 'scan_failed', 'Title 0', 'Old', now() - interval '91 days')`.execute(db);
  await deleteOldNotifications(db, new Date(Date.now() - 90 * 86_400_000));
  assert.is((await items(client)).length, 2);
  const busy = await told(100_000);
  await busy.client.expect(204, 'markAllNotificationsRead');
  assert.is(member((await busy.client.expect(200, 'getUnreadNotificationCount')).body, 'count'), 0);
});

const mail = suite('notifications by mail');
mail('go to those who want them by kind, once, though two workers send at the same time', async () => {
  const { lead, developer, project } = await team();
  await developer.client.expect(200, 'replaceNotificationPreferences', { json: { in_app_enabled: true, email_enabled: true, slack_enabled: false, teams_enabled: false, kinds: { scan_completed: { email_enabled: false }, gate_changed: { email_enabled: false } } } });
  await lead.client.expect(200, 'replaceNotificationPreferences', { json: { in_app_enabled: true, email_enabled: false, slack_enabled: false, teams_enabled: false } });
  await scan(developer.client, project, 'pkg:npm/alpha@1.0.0');
  const letter = await mailbox.next(developer.email);
  assert.match(letter.text, /1 critical and 1 high vulnerabilities new in Shop/);
  assert.match(letter.text, new RegExp(`/projects/${project}/vulnerabilities`));
  await settled();
  await Promise.all([1, 2, 3].map(() => mailNotifications(portal.services, never)));
  const { rows } = await sql<{ waiting: number; tries: number }>`SELECT count(*) FILTER (WHERE mail_due_at IS NOT NULL)::int AS waiting, sum(mail_tries)::int AS tries FROM notifications WHERE user_id IN (${lead.id}, ${developer.id})`.execute(db);
  assert.equal(rows, [{ waiting: 0, tries: 1 }]);
});
mail('is sent by one worker though another claims it while its turn has not come, and by its id however often it is sent', async () => {
  const user = await newUser(anonymous, database, 'developer');
  for (const title of ['First', 'Second']) await sql`INSERT INTO notifications (user_id, kind, title, body, mail_due_at) VALUES (${user.id}, 'scan_failed', ${title}, 'Body', now())`.execute(db);
  const sent: string[] = [];
  const note = ({ subject }: { subject: string }): Promise<void> => Promise.resolve(void sent.push(subject));
  const slow = {
    send: async (letter: { subject: string }): Promise<void> => {
      await note(letter);
      await sql`UPDATE notifications SET mail_due_at = now() WHERE user_id = ${user.id} AND title <> ${letter.subject}`.execute(db); // so much time has passed
      await mailNotifications({ ...portal.services, mailer: { send: note } }, never);
    },
  };
  await mailNotifications({ ...portal.services, mailer: slow }, never);
  assert.equal(sent.toSorted(), ['First', 'Second']);
  const { rows } = await sql<{ id: string }>`INSERT INTO notifications (user_id, kind, title, body, mail_due_at) VALUES (${user.id}, 'scan_failed', 'Third', 'Body', now()) RETURNING id`.execute(db);
  await mailNotifications(portal.services, never);
  assert.match((await mailbox.next(user.email)).headers.get('message-id') ?? '', new RegExp(`^<${rows[0]?.id ?? ''}@`));
});
mail('is tried again after a failure, given up in the end, and never for a refused address', async () => {
  const user = await newUser(anonymous, database, 'developer');
  const due = () => sql`INSERT INTO notifications (user_id, kind, title, body, mail_due_at) VALUES (${user.id}, 'scan_failed', 'Mailed', 'Body', now())`.execute(db);
  const again = () => sql`UPDATE notifications SET mail_due_at = now() WHERE user_id = ${user.id} AND mail_due_at IS NOT NULL`.execute(db);
  const state = async () => (await sql<{ waits: boolean; tries: number }>`SELECT mail_due_at > now() AS waits, mail_tries AS tries FROM notifications WHERE user_id = ${user.id} ORDER BY created_at DESC LIMIT 1`.execute(db)).rows[0];
  let sent = 0;
  const mailer = (fails: number) => ({ send: async (): Promise<void> => { sent += 1; if (sent <= fails) throw new Error('the server is busy'); return Promise.resolve(); } });
  await due();
  await mailNotifications({ ...portal.services, mailer: mailer(1) }, never);
  assert.equal(await state(), { waits: true, tries: 1 });
  await again();
  await mailNotifications({ ...portal.services, mailer: mailer(1) }, never);
  assert.equal(await state(), { waits: null, tries: 2 });
  await due();
  sent = 0;
  for (let round = 0; round < 14; round += 1) {
    await mailNotifications({ ...portal.services, mailer: mailer(99) }, never);
    await again();
  }
  assert.equal([await state(), sent], [{ waits: null, tries: 12 }, 12]);
});
mail('is not sent to who has left the team, lost the role or the account since, however many there are of those', async () => {
  const { lead, developer, project } = await team();
  const [gone, demoted] = [await newUser(anonymous, database, 'developer'), await newUser(anonymous, database, 'developer')];
  const open = await newProject(lead.client, { name: 'Open', team_id: lead.teamId, visibility: 'organization' });
  const due = (userId: string, kind: string, projectId: string | null, title: string, count = 1) => sql`
    INSERT INTO notifications (user_id, kind, project_id, title, body, mail_due_at, mail_tries)
    SELECT ${userId}, ${kind}, ${projectId}, ${title}, 'Body', now() - interval '1 minute', 1 FROM generate_series(1, ${count}::int)`.execute(db);
  await due(gone.id, 'scan_completed', null, 'Deactivated', 120);
  await due(developer.id, 'gate_changed', project, 'Left the team');
  await due(developer.id, 'gate_changed', open, 'Left, but open to all');
  await due(demoted.id, 'disk_pressure', null, 'No super admin');
  await due(lead.id, 'gate_changed', project, 'Still there');
  await admin.expect(200, 'deactivateAdminUser', { path: { id: gone.id } });
  await admin.expect(200, 'removeAdminTeamMember', { path: { id: developer.teamId, user_id: developer.id } });
  const sent: string[] = [];
  const mailer = { send: ({ subject }: { subject: string }): Promise<void> => Promise.resolve(void sent.push(subject)) };
  await mailNotifications({ ...portal.services, mailer }, never);
  assert.equal(sent.toSorted(), ['Left, but open to all', 'Still there']);
  assert.is((await sql`SELECT FROM notifications WHERE mail_due_at IS NOT NULL AND user_id IN (${gone.id}, ${developer.id}, ${demoted.id}, ${lead.id})`.execute(db)).rows.length, 0);
});
mail('is judged when its turn comes, not when it was claimed', async () => {
  const { lead, developer, project } = await team();
  for (const { id } of [lead, developer]) await sql`INSERT INTO notifications (user_id, kind, project_id, title, body, mail_due_at) VALUES (${id}, 'gate_changed', ${project}, ${id}, 'Body', now() - interval '1 minute')`.execute(db);
  const sent: string[] = [];
  const mailer = {
    send: async ({ subject }: { subject: string }): Promise<void> => {
      sent.push(subject);
      await sql`DELETE FROM memberships WHERE team_id = ${lead.teamId}`.execute(db);
    },
  };
  await mailNotifications({ ...portal.services, mailer }, never);
  assert.is(sent.length, 1);
});

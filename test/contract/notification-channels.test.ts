/** Channels: who manages them, what they are sent and how it is signed, and receivers that misbehave. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { watchDisk } from '../../src/domain/system/disk.ts';
import { deliverNotices } from '../../src/domain/notifications/deliver.ts';
import { eventsOf } from '../../src/domain/notifications/events.ts';
import { sendDueMessages } from '../../src/domain/notifications/send.ts';
import { isRecord } from '../../src/core/values.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { holdWebhook, member, type Answer, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { startReceiver, type Received, type TestReceiver } from '../support/receiver.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, database, admin } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: '127.0.0.1' });
const { db } = database;
const { services } = portal;
const never = new AbortController().signal;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(services, osv({ id: 'GHSA-ch1', aliases: ['CVE-2024-7001'], name: 'alpha', cvss: CRITICAL }));
const KINDS = ['cve_detected', 'scan_completed', 'scan_failed', 'gate_changed', 'approval_pending', 'approval_state_changed', 'disk_pressure', 'backup_failed'];

interface Channel {
  id: string;
  secret: string;
}
async function newChannel(client: ContractClient, fields: object): Promise<Channel> {
  const { body } = await client.expect(201, 'createNotificationChannel', { json: { type: 'webhook', scope: 'organization', name: 'Bot', ...fields } });
  return { id: String(member(body, 'id')), secret: String(member(body, 'secret')) };
}
const channelOf = async (client: ContractClient, id: string): Promise<unknown> => (await client.expect(200, 'getNotificationChannel', { path: { id } })).body;
const log = async (client: ContractClient, id: string, query: Record<string, string | string[]> = {}): Promise<Record<string, unknown>[]> => {
  const items = member((await client.expect(200, 'listNotificationDeliveries', { path: { id }, query })).body, 'items');
  return Array.isArray(items) ? items.filter(isRecord) : [];
};
/** Waits until the jobs have told everything that has happened; what has failed stays for later. */
async function settled(): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (let open = 1; open > 0; ) {
    const { rows } = await sql<{ open: number }>`
      SELECT (SELECT count(*) FROM gate_checks)::int + (SELECT count(*) FROM notices)::int
        + (SELECT count(*) FROM pgboss.job WHERE name IN ('evaluate-gates', 'deliver-notices', 'run-scan', 'send-messages') AND state IN ('created', 'active', 'retry'))::int AS open`.execute(db);
    open = rows[0]?.open ?? 0;
    assert.ok(Date.now() < deadline, 'something is never told');
  }
}
const types = (received: readonly Received[]): string[] => received.map(({ body }) => String(body['type'])).sort();
async function team() {
  const lead = await newUser(anonymous, database, 'team_admin');
  return { lead, project: await newProject(lead.client, { name: 'Shop', team_id: lead.teamId }) };
}
/** Makes what waits due now, as if its pause were over, and sends it. */
async function later(channelId: string): Promise<void> {
  await sql`UPDATE channel_deliveries SET next_attempt_at = now() WHERE channel_id = ${channelId} AND state = 'pending'`.execute(db);
  await sql`UPDATE notification_channels SET retry_at = NULL WHERE id = ${channelId}`.execute(db);
  await sendDueMessages(services, never);
}
/** One message for the channel. */
async function queued(channelId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    WITH said AS (INSERT INTO channel_messages (kind, title, body, link, event) VALUES ('scan_completed', 'A title', 'A body', '/x', '{"type": "x"}') RETURNING id)
    INSERT INTO channel_deliveries (channel_id, message_id, kind) SELECT ${channelId}, id, 'scan_completed' FROM said RETURNING id`.execute(db);
  return rows[0]?.id ?? '';
}

const create = suite('createNotificationChannel');
create('the organisation takes a super admin, a team its admin, a user anybody; what was made is seen by who manages it', async () => {
  const { lead } = await team();
  const developer = await newUser(anonymous, database, 'developer', lead.teamId);
  const stranger = await newUser(anonymous, database, 'team_admin');
  const url = 'https://hooks.example.com/in?token=t0p-secret';
  const draft = { type: 'webhook', name: ' Bot ', url };
  const ofTeam = { ...draft, scope: 'team', team_id: lead.teamId };
  for (const { client } of [developer, stranger]) await client.refused('forbidden', 'createNotificationChannel', { json: ofTeam });
  for (const { client } of [lead, developer]) await client.refused('forbidden', 'createNotificationChannel', { json: { ...draft, scope: 'organization' } });
  await admin.refused('forbidden', 'createNotificationChannel', { json: { ...draft, scope: 'team', team_id: crypto.randomUUID() } });
  const { id, secret } = await newChannel(lead.client, ofTeam);
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const own = await newChannel(developer.client, { type: 'slack', scope: 'user', url: 'https://hooks.slack.com/services/T0/B0/t0p-secret' });
  const organisation = await newChannel(admin, { url });
  const seen = async (client: ContractClient, query: Record<string, string> = {}): Promise<string[]> => {
    const items = member((await client.expect(200, 'listNotificationChannels', { query: { limit: 200, ...query } })).body, 'items');
    return (Array.isArray(items) ? items : []).map((one) => String(member(one, 'id'))).filter((one) => [id, own.id, organisation.id].includes(one)).sort();
  };
  assert.equal([await seen(lead.client), await seen(developer.client), await seen(stranger.client), await seen(admin), await seen(admin, { scope: 'team' })], [[id], [own.id], [], [id, organisation.id].sort(), [id]]);
  const shown = await channelOf(lead.client, id);
  assert.equal(['name', 'url', 'kinds', 'is_enabled', 'version', 'secret'].map((name) => member(shown, name)), ['Bot', 'https://hooks.example.com/in', KINDS, true, 1, undefined]);
  assert.is(member(await channelOf(developer.client, own.id), 'url'), 'https://hooks.slack.com/...');
  for (const [client, hidden] of [[stranger.client, id], [developer.client, id], [admin, own.id]] as const) {
    await client.refused('not-found', 'getNotificationChannel', { path: { id: hidden } });
    await client.refused('not-found', 'deleteNotificationChannel', { path: { id: hidden } });
    await client.refused('not-found', 'testNotificationChannel', { path: { id: hidden } });
    await client.refused('not-found', 'listNotificationDeliveries', { path: { id: hidden } });
    await client.refused('not-found', 'rotateNotificationChannelSecret', { path: { id: hidden }, json: {} });
    await client.refused('not-found', 'updateNotificationChannel', { path: { id: hidden }, headers: { 'If-Match': '1' }, json: { name: 'x' } });
  }
  const { rows } = await sql<{ all: string }>`SELECT string_agg(x, '') AS all FROM (SELECT c::text AS x FROM notification_channels c UNION ALL SELECT a::text FROM audit_log a) t`.execute(db);
  for (const leak of ['t0p-secret', secret]) assert.not.ok(rows[0]?.all.includes(leak));
});
create('what cannot be a channel is refused: addresses, texts, scopes that do not fit, too many', async () => {
  const refused = (json: object): Promise<unknown> => admin.refused('validation-failed', 'createNotificationChannel', { json: { type: 'webhook', scope: 'organization', name: 'x', url: 'https://hooks.example.com', ...json } });
  for (const url of ['', 'x', 'ftp://a.example.com', 'http://hooks.example.com', 'https://10.0.0.1/x', 'https://[::1]/x', 'http://169.254.169.254/latest', 'https://user:pass@hooks.example.com', 'https://hooks.example.com/#x', `https://hooks.example.com/${'x'.repeat(2_000)}`]) await refused({ url });
  for (const json of [{ scope: 'team' }, { team_id: crypto.randomUUID() }, { scope: 'user' }, { type: 'mail' }, { name: ' ' }, { name: 'x'.repeat(101) }, { kinds: [] }, { kinds: ['made_up'] }, { kinds: ['scan_failed', 'scan_failed'] }, { secret: 'mine' }]) await refused(json);
  const { lead } = await team();
  await sql`INSERT INTO notification_channels (type, scope, team_id, name, url_sealed, url, kinds) SELECT 'slack', 'team', ${lead.teamId}, 'x', '', '', '{}' FROM generate_series(1, 50)`.execute(db);
  await lead.client.refused('conflict', 'createNotificationChannel', { json: { type: 'slack', scope: 'team', team_id: lead.teamId, name: 'x', url: 'https://hooks.example.com' } });
});

const update = suite('updateNotificationChannel');
update('takes the version, seals a new URL, and switches off and on', async () => {
  const receiver = await startReceiver();
  const { id } = await newChannel(admin, { url: `${receiver.url}/old`, kinds: ['backup_failed'] });
  const change = (version: string | null, json: object): Promise<Answer> => admin.call('updateNotificationChannel', { path: { id }, headers: version === null ? {} : { 'If-Match': version }, json });
  assert.equal([(await change(null, { name: 'x' })).status, (await change('"7"', { name: 'x' })).status, (await change('1', { url: 'https://10.0.0.1' })).status, (await change('1', {})).status], [428, 412, 422, 422]);
  const both = await Promise.all([change('1', { name: 'a' }), change('1', { name: 'b' })]);
  assert.equal(both.map(({ status }) => status).sort(), [200, 412]);
  assert.is((await change('2', { url: `${receiver.url}/new?key=t0p-secret`, kinds: ['scan_completed'] })).headers.get('ETag'), '"3"');
  await queued(id);
  await later(id);
  assert.equal(receiver.received.map(({ path }) => path), ['/new?key=t0p-secret']);
  const waiting = await queued(id);
  await change('3', { is_enabled: false });
  await later(id);
  assert.equal([(await log(admin, id))[0]?.['state'], receiver.received.length], ['failed', 1], 'what waits is given up');
  await admin.refused('conflict', 'resendNotificationDelivery', { path: { id, delivery_id: waiting } });
  await change('4', { is_enabled: true });
  await admin.expect(202, 'resendNotificationDelivery', { path: { id, delivery_id: waiting } });
  await settled();
  assert.is(receiver.received.length, 2);
  await admin.expect(204, 'deleteNotificationChannel', { path: { id } });
  await admin.refused('not-found', 'updateNotificationChannel', { path: { id }, headers: { 'If-Match': '5' }, json: { name: 'x' } });
});

const messages = suite('webhooks');
/** Throws where none of the signatures fits. */
const verify = (secret: string, { raw, headers }: Received): unknown => new Webhook(secret).verify(raw, headers);
messages('everything that happens to a project comes once, as the contract says, signed so that the official library takes it', async () => {
  const receiver = await startReceiver();
  const { lead, project } = await team();
  const { id, secret } = await newChannel(lead.client, { scope: 'team', team_id: lead.teamId, url: `${receiver.url}/in` });
  await scanToEnd(lead.client, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0', license: 'MIT' }, { purl: 'pkg:npm/m@1.0.0', license: 'MPL-2.0' }])));
  await scanToEnd(lead.client, project, sbomForm('{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{'));
  await settled();
  const approval = String(member((await lead.client.expect(200, 'listApprovals')).body, 'items', 0, 'id'));
  await lead.client.expect(200, 'transitionApproval', { path: { id: approval }, headers: { 'If-Match': '1' }, json: { action: 'under_review' } });
  await lead.client.expect(200, 'transitionApproval', { path: { id: approval }, headers: { 'If-Match': '2' }, json: { action: 'approved', decision_note: 'Fine.' } });
  await settled();
  assert.equal(types(receiver.received), ['approval.decided', 'approval.requested', 'finding.created', 'gate.changed', 'scan.failed', 'scan.finished']);
  for (const one of receiver.received) {
    await holdWebhook(one.body);
    verify(secret, one);
    assert.throws(() => verify(secret, { ...one, raw: `${one.raw} ` }));
    assert.equal([one.headers['content-type'], one.path], ['application/json', '/in']);
  }
  const of = (type: string): unknown => member(receiver.received.find(({ body }) => body['type'] === type)?.body, 'data');
  assert.equal([member(of('finding.created'), 'total'), member(of('finding.created'), 'findings', 0, 'cve_id'), member(of('finding.created'), 'findings', 0, 'fixed_version')], [1, 'CVE-2024-7001', '2.0.0']);
  assert.equal([member(of('scan.finished'), 'component_count'), member(of('scan.finished'), 'severity_summary', 'critical')], [2, 1]);
  assert.equal([member(of('gate.changed'), 'gate'), member(of('gate.changed'), 'critical_cve_count'), member(of('approval.decided'), 'approval', 'status')], ['fail', 1, 'approved']);
  const entries = await log(lead.client, id);
  assert.equal([entries.length, new Set(entries.map((one) => `${String(one['state'])} ${String(one['response_status'])} ${String(one['attempts'])}`))], [6, new Set(['delivered 204 1'])]);
  assert.equal(new Set(entries.map((one) => one['message_id'])), new Set(receiver.received.map(({ headers }) => headers['webhook-id'])));
  assert.is((await log(lead.client, id, { state: ['failed', 'pending'], kind: 'gate_changed' })).length, 0);
  const late = await eventsOf(db, [{ id: 1, kind: 'approval_state_changed', project_id: project, project_name: 'Shop', facts: { approval_id: approval, status: 'under_review' }, created_at: '2026-11-25T00:00:00.000Z' }]);
  assert.is(late.size, 0, 'what is told late does not tell the decision a second time');
  const other = await team();
  await scanToEnd(other.lead.client, other.project, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0' }])));
  await settled();
  assert.is(receiver.received.length, 6, "another team's are not sent there");
});
messages('a secret that is replaced goes on signing for as long as was said', async () => {
  const receiver = await startReceiver();
  const { id, secret } = await newChannel(admin, { url: receiver.url, kinds: ['backup_failed'] });
  const rotate = async (json: object): Promise<string> => String(member((await admin.expect(201, 'rotateNotificationChannelSecret', { path: { id }, json })).body, 'secret'));
  const second = await rotate({});
  await queued(id);
  await later(id);
  const [both] = receiver.received;
  if (both !== undefined) for (const one of [secret, second]) verify(one, both);
  const third = await rotate({ grace_seconds: 0 });
  await queued(id);
  await later(id);
  const [, last] = receiver.received;
  assert.ok(last !== undefined);
  verify(third, last);
  for (const one of [secret, second]) assert.throws(() => verify(one, last));
  const slack = await newChannel(admin, { type: 'slack', url: receiver.url, kinds: ['backup_failed'] });
  await admin.refused('conflict', 'rotateNotificationChannelSecret', { path: { id: slack.id }, json: {} });
  await admin.refused('validation-failed', 'rotateNotificationChannelSecret', { path: { id }, json: { grace_seconds: -1 } });
});
messages('a full disk and other news of the installation go to super admins and channels of the organisation, once a day', async () => {
  const receiver = await startReceiver();
  await newChannel(admin, { url: receiver.url, kinds: ['disk_pressure', 'backup_failed'] });
  const full = { ...services, config: { ...services.config, DISK_WARNING_PERCENT: 0, DISK_HARD_LIMIT_PERCENT: 100 } };
  await watchDisk(full);
  await watchDisk(full);
  await sql`INSERT INTO notices (kind, audience, facts) VALUES ('backup_failed', 'super_admins', '{"name": "auto-20261124T020000Z", "message": "The disk is full."}')`.execute(db);
  await deliverNotices(services);
  await settled();
  assert.equal(types(receiver.received), ['backup.failed', 'disk.pressure']);
  for (const { body } of receiver.received) await holdWebhook(body);
  const items = member((await admin.expect(200, 'listNotifications', { query: { kind: ['disk_pressure', 'backup_failed'] } })).body, 'items');
  assert.equal((Array.isArray(items) ? items : []).map((one) => member(one, 'title')).sort(), ['A backup has failed', 'The disk is nearly full']);
});

const chat = suite('chat');
chat('Slack and Teams get texts in which nothing is read as markup; a user gets there what the preferences say', async () => {
  const receiver = await startReceiver();
  const { lead } = await team();
  const project = await newProject(lead.client, { name: '<!channel> *Shop* [x](y) & co', team_id: lead.teamId });
  await newChannel(lead.client, { type: 'slack', scope: 'team', team_id: lead.teamId, url: `${receiver.url}/slack`, kinds: ['gate_changed'] });
  await newChannel(lead.client, { type: 'teams', scope: 'team', team_id: lead.teamId, url: `${receiver.url}/teams`, kinds: ['gate_changed'] });
  await newChannel(lead.client, { type: 'slack', scope: 'user', url: `${receiver.url}/own` });
  await lead.client.expect(200, 'replaceNotificationPreferences', { json: { in_app_enabled: true, email_enabled: false, slack_enabled: false, teams_enabled: true, kinds: { scan_completed: { slack_enabled: true } } } });
  await scanToEnd(lead.client, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0' }])));
  await settled();
  const at = (path: string): Received[] => receiver.received.filter((one) => one.path === path);
  assert.equal(['/slack', '/teams', '/own'].map((path) => at(path).length), [1, 1, 1]);
  const [slack, teams, own] = [at('/slack')[0]?.body, at('/teams')[0]?.body, at('/own')[0]?.body];
  assert.equal([member(slack, 'text'), member(slack, 'blocks', 0, 'text')], ['The gate of &lt;!channel&gt; *Shop* [x](y) &amp; co is fail', { type: 'plain_text', text: 'The gate of <!channel> *Shop* [x](y) & co is fail', emoji: false }]);
  assert.match(String(member(slack, 'blocks', 2, 'elements', 0, 'url')), new RegExp(`^http.*/projects/${project}/gate$`));
  assert.equal([member(teams, 'type'), member(teams, 'attachments', 0, 'contentType'), member(teams, 'attachments', 0, 'content', 'body', 0, 'inlines', 0, 'text')], ['message', 'application/vnd.microsoft.card.adaptive', 'The gate of <!channel> *Shop* [x](y) & co is fail']);
  assert.match(String(member(own, 'text')), /^The scan of .* has finished$/);
});

const retries = suite('resendNotificationDelivery');
async function failing(): Promise<{ receiver: TestReceiver; channel: string; delivery: string }> {
  const receiver = await startReceiver();
  const { id: channel } = await newChannel(admin, { url: receiver.url, kinds: ['backup_failed'] });
  return { receiver, channel, delivery: await queued(channel) };
}
retries('what fails is tried again with growing pauses, then it is a dead letter, which can be sent again with the same id', async () => {
  const { receiver, channel, delivery } = await failing();
  receiver.answers.push(...Array.from({ length: 12 }, () => ({ status: 500 })));
  const pauses: number[] = [];
  for (let round = 1; round <= 12; round += 1) {
    await later(channel);
    const [entry] = await log(admin, channel);
    assert.equal([entry?.['state'], entry?.['attempts'], entry?.['response_status']], [round < 12 ? 'pending' : 'failed', round, 500]);
    if (round < 12) pauses.push(Date.parse(String(entry?.['next_attempt_at'])) - Date.parse(String(entry?.['last_attempt_at'])));
  }
  assert.ok(pauses.every((ms, index) => ms >= 0.75 * Math.min(14_400, 20 * 3 ** index) * 1000 - 1 && ms <= 1.25 * Math.min(14_400, 20 * 3 ** index) * 1000 + 1), JSON.stringify(pauses));
  assert.equal([member(await channelOf(admin, channel), 'failures'), (await log(admin, channel, { state: ['failed'] })).length], [12, 1]);
  await admin.expect(202, 'resendNotificationDelivery', { path: { id: channel, delivery_id: delivery } });
  await sql`UPDATE notification_channels SET retry_at = NULL WHERE id = ${channel}`.execute(db);
  await sendDueMessages(services, never);
  await settled();
  assert.equal([(await log(admin, channel))[0]?.['state'], new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, receiver.received.length], ['delivered', 1, 13]);
  assert.equal([member(await channelOf(admin, channel), 'failures'), member(await channelOf(admin, channel), 'failing_since')], [0, null]);
  await admin.refused('not-found', 'resendNotificationDelivery', { path: { id: channel, delivery_id: crypto.randomUUID() } });
});
retries('Retry-After is kept, redirects are not followed, private addresses are judged at each try, and who hangs is given up', async () => {
  const { receiver, channel } = await failing();
  const last = async (): Promise<Record<string, unknown>> => (await log(admin, channel))[0] ?? {};
  receiver.answers.push({ status: 429, headers: { 'Retry-After': '600' } }, { status: 302, headers: { Location: `${receiver.url}/elsewhere` } }, null);
  await later(channel);
  const wait = Date.parse(String((await last())['next_attempt_at'])) - Date.now();
  assert.ok(wait > 590_000 && wait <= 600_000, String(wait));
  await sql`UPDATE channel_deliveries SET next_attempt_at = now() WHERE channel_id = ${channel}`.execute(db);
  await sendDueMessages(services, never);
  assert.is(receiver.received.length, 1, 'the channel has a break');
  await later(channel);
  assert.equal([(await last())['error'], receiver.received.length], ['The receiver answered 302.', 2]);
  await later(channel);
  assert.match(String((await last())['error']), /did not answer within 10 seconds/);
  await sendDueMessages({ ...services, config: { ...services.config, ALLOW_PRIVATE_ADDRESSES: [] } }, never);
  await sql`UPDATE channel_deliveries SET next_attempt_at = now() WHERE channel_id = ${channel}`.execute(db);
  await sql`UPDATE notification_channels SET retry_at = NULL WHERE id = ${channel}`.execute(db);
  await sendDueMessages({ ...services, config: { ...services.config, ALLOW_PRIVATE_ADDRESSES: [] } }, never);
  assert.equal([/private or local network/.test(String((await last())['error'])), receiver.received.length], [true, 3]);
}, { timeoutMs: 60_000 });
retries('410 and days of nothing but failures switch a channel off, with the reason', async () => {
  const gone = await failing();
  gone.receiver.answers.push({ status: 410 });
  const waiting = await queued(gone.channel);
  await sql`UPDATE channel_deliveries SET next_attempt_at = now() + interval '1 hour' WHERE id = ${waiting}`.execute(db);
  await sendDueMessages(services, never);
  const shown = await channelOf(admin, gone.channel);
  assert.equal([member(shown, 'is_enabled'), /410/.test(String(member(shown, 'disabled_reason'))), new Set((await log(admin, gone.channel)).map((one) => one['state']))], [false, true, new Set(['failed'])]);
  const tired = await failing();
  tired.receiver.answers.push({ status: 500 }, { status: 500 });
  await later(tired.channel);
  assert.is(member(await channelOf(admin, tired.channel), 'is_enabled'), true);
  await sql`UPDATE notification_channels SET failing_since = now() - interval '5 days' WHERE id = ${tired.channel}`.execute(db);
  await later(tired.channel);
  assert.match(String(member(await channelOf(admin, tired.channel), 'disabled_reason')), /5 days/);
  await admin.expect(200, 'updateNotificationChannel', { path: { id: tired.channel }, headers: { 'If-Match': '2' }, json: { is_enabled: true } });
  const again = await channelOf(admin, tired.channel);
  assert.equal([member(again, 'disabled_reason'), member(again, 'failures'), member(again, 'failing_since')], [null, 0, null]);
});
retries('what a user may no longer see is not sent to the channel of that user, nor tried again: a dead letter that says so', async () => {
  const { lead, project } = await team();
  const developer = await newUser(anonymous, database, 'developer', lead.teamId);
  const receiver = await startReceiver();
  const own = async (client: ContractClient): Promise<string> => (await newChannel(client, { type: 'slack', scope: 'user', url: receiver.url })).id;
  const channels = [await own(developer.client), await own(lead.client)] as const;
  const said = (channelId: string): Promise<unknown> => sql`
    WITH said AS (INSERT INTO channel_messages (kind, title, body, link, event) VALUES ('gate_changed', 'A title', 'A body', '/x', ${JSON.stringify({ type: 'gate.changed', data: { project: { id: project } } })}::jsonb) RETURNING id)
    INSERT INTO channel_deliveries (channel_id, message_id, kind) SELECT ${channelId}, id, 'gate_changed' FROM said`.execute(db);
  receiver.answers.push({ status: 500 });
  await said(channels[0]);
  await later(channels[0]);
  assert.is(receiver.received.length, 1);
  await admin.expect(200, 'removeAdminTeamMember', { path: { id: lead.teamId, user_id: developer.id } });
  for (let more = 0; more < 9; more += 1) await said(channels[0]);
  await said(channels[1]);
  await later(channels[0]);
  await settled();
  const entries = await log(developer.client, channels[0]);
  assert.equal([receiver.received.length, entries.length], [2, 10]);
  assert.ok(entries.every((one) => one['state'] === 'failed' && String(one['error']).startsWith('Not sent:') && one['delivered_at'] === null), JSON.stringify(entries[0]));
  assert.equal(entries.map((one) => one['attempts']).sort(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.is((await log(lead.client, channels[1]))[0]?.['state'], 'delivered');
  await admin.expect(200, 'addAdminTeamMember', { path: { id: lead.teamId }, json: { user_id: developer.id, role: 'developer' } });
  await developer.client.expect(202, 'resendNotificationDelivery', { path: { id: channels[0], delivery_id: String(entries[0]?.['id']) } });
  await later(channels[0]);
  await settled();
  assert.is(receiver.received.length, 3);
});
retries('a receiver that hangs does not hold up another; two workers send each message once', async () => {
  const [slow, quick] = [await failing(), await failing()];
  for (let more = 0; more < 8; more += 1) await queued(slow.channel);
  for (let more = 0; more < 30; more += 1) await queued(quick.channel);
  slow.receiver.answers.push(...Array.from({ length: 20 }, () => null));
  const start = Date.now();
  const rounds = Promise.all([sendDueMessages(services, never), sendDueMessages(services, never), sendDueMessages(services, never)]);
  const deadline = Date.now() + 9_000;
  while (quick.receiver.received.length < 31 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  const took = Date.now() - start;
  assert.equal([quick.receiver.received.length, new Set(quick.receiver.received.map(({ headers }) => headers['webhook-id'])).size], [31, 31]);
  assert.ok(took < 9_000, `${took} ms`);
  await rounds;
}, { timeoutMs: 60_000 });

const test = suite('testNotificationChannel');
test('tries once, off or on, says how it went, and counts for nothing', async () => {
  const receiver = await startReceiver();
  const { id, secret } = await newChannel(admin, { url: receiver.url });
  await admin.expect(200, 'updateNotificationChannel', { path: { id }, headers: { 'If-Match': '1' }, json: { is_enabled: false } });
  const { body } = await admin.expect(200, 'testNotificationChannel', { path: { id } });
  assert.equal(['state', 'kind', 'attempts', 'response_status'].map((name) => member(body, name)), ['delivered', 'test', 1, 204]);
  const [received] = receiver.received;
  assert.ok(received !== undefined);
  await holdWebhook(received.body);
  verify(secret, received);
  receiver.answers.push({ status: 503, headers: { 'Retry-After': '60' } });
  const failed = (await admin.expect(200, 'testNotificationChannel', { path: { id } })).body;
  assert.equal([member(failed, 'state'), member(failed, 'error'), member(await channelOf(admin, id), 'failures')], ['failed', 'The receiver answered 503.', 0]);
  await admin.expect(200, 'updateNotificationChannel', { path: { id }, headers: { 'If-Match': '2' }, json: { is_enabled: true } });
  await admin.refused('conflict', 'resendNotificationDelivery', { path: { id, delivery_id: String(member(failed, 'id')) } });
  for (let more = 0; more < 9; more += 1) await admin.call('testNotificationChannel', { path: { id } });
  await admin.refused('too-many-requests', 'testNotificationChannel', { path: { id } });
});

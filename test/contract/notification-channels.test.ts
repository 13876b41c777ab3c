/** Channels: who manages them and how they are changed and tried. What they are sent: notification-channels-sending.test.ts. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { channelOf, log, newChannel, startChannels, verify } from '../support/channels.ts';
import { holdWebhook, member, type Answer, type ContractClient } from '../support/contract.ts';
import { startReceiver } from '../support/receiver.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, database, db, admin, settled, team, later, queued } = await startChannels();
const KINDS = ['cve_detected', 'scan_completed', 'scan_failed', 'gate_changed', 'approval_pending', 'approval_state_changed', 'disk_pressure', 'backup_failed'];

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

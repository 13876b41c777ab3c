/** API keys on the WebSocket: their actions and scope, their end, and a limit of their own. */
import { sql } from 'kysely';
import * as assert from 'uvu/assert';
import { issueKey, type IssuedKey } from '../support/api-keys.ts';
import { member } from '../support/contract.ts';
import { authFrame, watch, type Watched } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal({ WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1', WEBSOCKET_MAX_CONNECTIONS_PER_KEY: '2', TRUSTED_PROXIES: '127.0.0.1' }, { api: true, worker: false });
const { db } = database;
const project = await newProject(admin);
const scan = await queuedScan(database, project);

/** How the socket ends, and its first frame or end, whichever comes first. */
async function open(key: Pick<IssuedKey, 'text'>, scanId = scan): Promise<Promise<Watched>[]> {
  const shown = Promise.withResolvers<undefined>();
  const ended = watch(portal.url, `/ws/scans/${scanId}`, authFrame(key.text), () => shown.resolve(undefined));
  await Promise.race([shown.promise, ended]);
  return [ended];
}
const endOf = async ([ended]: Promise<Watched>[]): Promise<string> => {
  const { code = 0, reason = '' } = (await ended) ?? {};
  return `${code} ${reason}`;
};
const refusal = async (draft: Record<string, unknown>, scanId = scan): Promise<string> => endOf(await open(await issueKey(admin, draft), scanId));

const keys = suite('/ws/scans/{scan_id} with an API key');
keys('follows a scan of its project, team or organisation to the end, and is noted as used', async () => {
  const watched = await queuedScan(database, await newProject(admin));
  const { body } = await admin.expect(200, 'getScan', { path: { id: watched } });
  const itsProject = String(member(body, 'project_id'));
  const team = String(member((await admin.expect(200, 'getProject', { path: { id: itsProject } })).body, 'team_id'));
  const issued = [];
  for (const draft of [{ scope: 'org' }, { scope: 'team', team_id: team }, { scope: 'project', project_id: itsProject, allowed_actions: ['scan:read'] }]) issued.push(await issueKey(admin, draft));
  const sockets = [];
  for (const key of issued) sockets.push(await open(key, watched));
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: watched } });
  for (const [ended] of sockets) assert.equal((await ended)?.frames.map(({ step }) => step), ['queued', 'cancelled']);
  const { rows } = await sql<{ ip: string }>`SELECT last_used_ip AS ip FROM api_keys WHERE last_used_at IS NOT NULL AND id = ANY(${issued.map(({ id }) => id)}::uuid[])`.execute(db);
  assert.equal(rows.map(({ ip }) => ip), ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});
keys('without the action, of another project or team, or unknown: closed with the reason', async () => {
  assert.is(await refusal({ scope: 'project', project_id: project, allowed_actions: ['scan:trigger', 'project:read'] }), '1008 forbidden');
  assert.is(await refusal({ scope: 'project', project_id: await newProject(admin) }), '1008 forbidden');
  const stranger = await newUser(anonymous, database, 'team_admin');
  assert.is(await endOf(await open(await issueKey(stranger.client, { scope: 'team', team_id: stranger.teamId }))), '1008 forbidden');
  assert.is(await refusal({ scope: 'org' }, crypto.randomUUID()), '1008 not_found');
  assert.is(await endOf(await open({ text: 'tos_nobody00_00000000000000000000000000000000' })), '1008 auth_invalid');
});
keys('revoked, expired, or robbed of the action while connected: the socket ends', async () => {
  const ends: [change: (key: IssuedKey) => Promise<unknown>, end: string][] = [
    [({ id }) => admin.expect(204, 'deleteApiKey', { path: { id } }), '1008 auth_invalid'],
    [({ id }) => sql`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = ${id}`.execute(db), '1008 auth_invalid'],
    [({ id }) => sql`UPDATE api_keys SET allowed_actions = '{project:read}' WHERE id = ${id}`.execute(db), '1008 forbidden'],
  ];
  for (const [change, end] of ends) {
    const key = await issueKey(admin, { scope: 'project', project_id: project });
    const socket = await open(key);
    await change(key);
    assert.is(await endOf(socket), end);
  }
});
keys('reaches its time: the socket ends with it', async () => {
  const key = await issueKey(admin, { scope: 'org' });
  await sql`UPDATE api_keys SET expires_at = now() + interval '4 seconds' WHERE id = ${key.id}`.execute(db);
  assert.is(await endOf(await open(key)), '1008 token_expired');
});
keys('never sees more than its issuer, also when that changes', async () => {
  const issuer = await newUser(anonymous, database, 'team_admin');
  const own = await queuedScan(database, await newProject(issuer.client));
  const socket = await open(await issueKey(issuer.client, { scope: 'team', team_id: issuer.teamId }), own);
  await sql`DELETE FROM memberships WHERE user_id = ${issuer.id}`.execute(db);
  assert.is(await endOf(socket), '1008 forbidden');
});
keys('has a limit of its own, beside that of its issuer', async () => {
  const [first, second] = [await issueKey(admin, { scope: 'org' }), await issueKey(admin, { scope: 'org' })];
  const user = await open({ text: admin.token ?? '' });
  const oldest = await open(first);
  const others = [await open(first), await open(second), await open(second)];
  others.push(await open(first));
  assert.is(await endOf(oldest), '1001 newer_connection');
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: scan } });
  for (const socket of [user, ...others]) assert.is(await endOf(socket), '1000 scan_finished');
});

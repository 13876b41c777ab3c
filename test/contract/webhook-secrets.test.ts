/** Secrets of webhooks that come in: shown once, followed by another, removed, and whose they are. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { githubPush, sendGithub } from '../support/code-host.ts';
import { member } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { hookedProject, newSecret } from '../support/webhooks.ts';

const own = await startTestPortal({}, { api: true, worker: false });
const { admin, anonymous, database } = own;
const { db } = database;

const secret = suite('rotateProjectWebhookSecret');
secret('is shown once, and the former one is good for an hour more, the one before it no longer', async () => {
  const { id, url, secret: first } = await hookedProject(own);
  assert.match(first, /^[\w-]{43}$/);
  const state = async () => (await admin.expect(200, 'getProjectWebhookSecret', { path: { id } })).body;
  assert.equal([member(await state(), 'is_set'), member(await state(), 'previous_valid_until'), member(await state(), 'secret')], [true, null, undefined]);
  const second = await newSecret(admin, id);
  const until = Date.parse(String(member(await state(), 'previous_valid_until'))) - Date.now();
  assert.ok(until > 3_500_000 && until <= 3_600_000, String(until));
  const ping = (key: string) => sendGithub(anonymous, key, githubPush(url), { event: 'ping' });
  assert.equal([(await ping(first)).status, (await ping(second)).status], [200, 200]);
  const third = await newSecret(admin, id);
  assert.equal([(await ping(first)).status, (await ping(second)).status, (await ping(third)).status], [401, 200, 200]);
  await sql`UPDATE webhook_secrets SET previous_until = now() - interval '1 second' WHERE project_id = ${id}`.execute(db);
  assert.equal([(await ping(second)).status, (await ping(third)).status, member(await state(), 'previous_valid_until')], [401, 200, null]);
  const { rows } = await sql<{ all: string }>`SELECT w::text || coalesce((SELECT string_agg(a::text, '') FROM audit_log a WHERE a.target_id = ${id}), '') AS all FROM webhook_secrets w WHERE project_id = ${id}`.execute(db);
  for (const one of [first, second, third]) assert.not.ok(rows[0]?.all.includes(one));
  await admin.expect(204, 'deleteProjectWebhookSecret', { path: { id } });
  assert.equal([(await ping(third)).status, member(await state(), 'is_set')], [401, false]);
  await admin.refused('not-found', 'deleteProjectWebhookSecret', { path: { id } });
});
secret('is the same again for a request that is sent again with its key, which is for one project', async () => {
  const [one, other] = [await newProject(admin), await newProject(admin)];
  const rotate = (id: string) => admin.call('rotateProjectWebhookSecret', { path: { id }, headers: { 'Idempotency-Key': 'once' } });
  const [first, again, elsewhere] = [await rotate(one), await rotate(one), await rotate(other)];
  assert.equal([first.status, member(again.body, 'secret'), again.headers.get('Idempotency-Replayed'), elsewhere.status], [200, member(first.body, 'secret'), 'true', 422]);
});
secret('is not for who may not change the project, nor for an archived one', async () => {
  const { id } = await hookedProject(own);
  const stranger = await newUser(anonymous, database, 'team_admin');
  for (const operation of ['getProjectWebhookSecret', 'rotateProjectWebhookSecret', 'deleteProjectWebhookSecret', 'listProjectWebhookDeliveries'] as const) assert.ok([403, 404].includes((await stranger.client.call(operation, { path: { id } })).status), operation);
  await admin.expect(204, 'deleteProject', { path: { id } });
  await admin.refused('project-archived', 'rotateProjectWebhookSecret', { path: { id } });
});

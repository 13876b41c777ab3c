/** Webhooks of code hosts: whose they are, what they start, once each, and everything that does not fit. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { deleteOldDeliveries } from '../../src/db/webhooks.ts';
import { githubPush, gitlabPush, sendGithub, sendGitlab } from '../support/code-host.ts';
import { member, type Answer } from '../support/contract.ts';
import { GIT } from '../support/git.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin, anonymous, database } = await startTestPortal({ MAX_ACTIVE_SCANS_PER_TEAM: '3' }, { api: true, worker: false });
const { db } = database;
const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);
const repository = (): string => `https://git.invalid/acme/${crypto.randomUUID()}.git`;
const secretOf = async (id: string): Promise<string> => String(member((await admin.expect(200, 'rotateProjectWebhookSecret', { path: { id } })).body, 'secret'));
async function hooked(url = repository(), fields: object = {}): Promise<{ id: string; url: string; secret: string }> {
  const id = await newProject(admin, { git_url: url, team_id: (await newUser(anonymous, database, 'team_admin')).teamId, ...fields });
  return { id, url, secret: await secretOf(id) };
}
const status = ({ body }: Answer): string => String(member(body, 'status'));
const scans = async (id: string): Promise<string[][]> => (await sql<{ ref: string; fetch_ref: string; fetch_commit: string }>`SELECT ref, fetch_ref, fetch_commit FROM scans WHERE project_id = ${id} ORDER BY created_at, id`.execute(db)).rows.map((row) => [row.ref, row.fetch_ref, row.fetch_commit.slice(0, 7)]);
const finish = (id: string) => sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE project_id = ${id}`.execute(db);

/** GitHub's own examples. */
const EXAMPLES: unknown = JSON.parse(readFileSync(new URL('./api.github.com/index.json', import.meta.resolve('@octokit/webhooks-examples/package.json')), 'utf8'));
const examples = (name: string): Record<string, unknown>[] => {
  const found = Array.isArray(EXAMPLES) ? EXAMPLES.filter(isRecord).find((one) => one['name'] === name)?.['examples'] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
};

const secret = suite('rotateProjectWebhookSecret');
secret('is shown once, and the former one is good for an hour more, the one before it no longer', async () => {
  const { id, url, secret: first } = await hooked();
  assert.match(first, /^[\w-]{43}$/);
  const state = async () => (await admin.expect(200, 'getProjectWebhookSecret', { path: { id } })).body;
  assert.equal([member(await state(), 'is_set'), member(await state(), 'previous_valid_until'), member(await state(), 'secret')], [true, null, undefined]);
  const second = await secretOf(id);
  const until = Date.parse(String(member(await state(), 'previous_valid_until'))) - Date.now();
  assert.ok(until > 3_500_000 && until <= 3_600_000, String(until));
  const ping = (key: string) => sendGithub(anonymous, key, githubPush(url), { event: 'ping' });
  assert.equal([(await ping(first)).status, (await ping(second)).status], [200, 200]);
  const third = await secretOf(id);
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
  const { id } = await hooked();
  const stranger = await newUser(anonymous, database, 'team_admin');
  for (const operation of ['getProjectWebhookSecret', 'rotateProjectWebhookSecret', 'deleteProjectWebhookSecret', 'listProjectWebhookDeliveries'] as const) assert.ok([403, 404].includes((await stranger.client.call(operation, { path: { id } })).status), operation);
  await admin.expect(204, 'deleteProject', { path: { id } });
  await admin.refused('project-archived', 'rotateProjectWebhookSecret', { path: { id } });
});

const github = suite('receiveGithubWebhook');
const withGit = GIT ? github : github.skip;
withGit('a push queues a scan of its branch or tag at its commit, whichever way the project writes the URL', async () => {
  await forgetLimits();
  const name = crypto.randomUUID();
  for (const [written, sent] of [[`https://git.invalid/Acme/${name}`, `https://git.invalid/acme/${name}.git`], [`git@git.invalid:acme/ssh-${name}.git`, `https://git.invalid/acme/ssh-${name}`], [`ssh://git@git.invalid:2222/acme/port-${name}.git`, `git@git.invalid:acme/port-${name}.git`]] as const) {
    const { id, secret: key } = await hooked(written);
    const answer = await sendGithub(anonymous, key, githubPush(sent, 'refs/heads/feature/ünlaut'));
    assert.equal([answer.status, status(answer), member(answer.body, 'projects', 0, 'project_id')], [200, 'enqueued', id], `${written} ${answer.text}`);
    assert.equal(await scans(id), [['feature/ünlaut', 'refs/heads/feature/ünlaut', '3f78685']]);
    assert.is(status(await sendGithub(anonymous, key, githubPush(sent, 'refs/tags/v1'))), 'enqueued');
  }
});
withGit('GitHub\'s own examples: pushes and pull requests start what they should, and nothing else does', async () => {
  const { id, secret: key } = await hooked('https://github.com/Codertocat/Hello-World.git', { name: 'Hello' });
  const outcomes = new Map<string, Set<string>>();
  for (const [event, all] of [['push', examples('push')], ['pull_request', examples('pull_request')], ['ping', examples('ping')], ['issues', examples('issues')], ['release', examples('release')], ['delete', examples('delete')], ['check_run', examples('check_run')]] as const) {
    for (const payload of all.filter((one) => JSON.stringify(one['repository'] ?? '').includes('Codertocat/Hello-World'))) {
      await forgetLimits();
      await finish(id);
      const answer = await sendGithub(anonymous, key, payload, { event });
      assert.is(answer.status, 200, answer.text);
      const { action = payload['deleted'] === true ? 'deleted' : '' } = payload;
      const what = `${event} ${typeof action === 'string' ? action : ''}`.trim();
      outcomes.set(what, (outcomes.get(what) ?? new Set()).add(status(answer)));
    }
  }
  const started = [...outcomes].filter(([, found]) => found.has('enqueued')).map(([what]) => what).sort();
  assert.equal(started, ['pull_request opened', 'pull_request reopened', 'pull_request synchronize', 'push'], JSON.stringify([...outcomes.keys()]));
  assert.ok([...outcomes.values()].every((found) => found.size === 1), 'each always the same');
  assert.ok((await scans(id)).some((one) => JSON.stringify(one) === '["pr-2","refs/pull/2/head","ec26c3e"]'));
});
withGit('one delivery starts one scan, sent again or twenty times at once; a skipped one may come again', async () => {
  await forgetLimits();
  const { id, url, secret: key } = await hooked();
  const push = githubPush(url);
  const all = await Promise.all(Array.from({ length: 20 }, () => sendGithub(anonymous, key, push, { delivery: 'd-1' })));
  assert.equal(all.map(status).sort(), ['duplicate', 'enqueued'].flatMap((one) => Array.from({ length: one === 'enqueued' ? 1 : 19 }, () => one)));
  assert.is((await scans(id)).length, 1);
  const skipped = await sendGithub(anonymous, key, push, { delivery: 'd-2' });
  assert.equal([status(skipped), member(skipped.body, 'scan_id')], ['skipped_active_scan', null]);
  await finish(id);
  assert.equal([status(await sendGithub(anonymous, key, push, { delivery: 'd-2' })), status(await sendGithub(anonymous, key, push, { delivery: 'd-2' }))], ['enqueued', 'duplicate']);
  const { body } = await admin.expect(200, 'listProjectWebhookDeliveries', { path: { id }, query: { sort: 'received_at' } });
  assert.equal([0, 1].map((index) => [member(body, 'items', index, 'delivery_id'), member(body, 'items', index, 'status'), member(body, 'items', index, 'ref')]), [['d-1', 'enqueued', 'main'], ['d-2', 'enqueued', 'main']]);
  assert.is(member((await admin.expect(200, 'listProjectWebhookDeliveries', { path: { id }, query: { status: ['ignored'] } })).body, 'total'), 0);
});
withGit('the limits of a team, an archived project, and the disk are told; a shared repository reaches each project', async () => {
  await forgetLimits();
  const { id, url, secret: key } = await hooked();
  for (const ref of ['a', 'b', 'c']) assert.is(status(await sendGithub(anonymous, key, githubPush(url, `refs/heads/${ref}`))), 'enqueued');
  assert.is(status(await sendGithub(anonymous, key, githubPush(url, 'refs/heads/d'))), 'skipped_team_at_capacity');
  await finish(id);
  const other = await hooked(url);
  assert.equal(status(await sendGithub(anonymous, other.secret, githubPush(url))), 'enqueued', 'by its own secret only');
  assert.is((await scans(id)).length, 3);
  await sql`UPDATE webhook_secrets SET secret_sealed = (SELECT secret_sealed FROM webhook_secrets WHERE project_id = ${other.id}) WHERE project_id = ${id}`.execute(db);
  const both = await sendGithub(anonymous, other.secret, githubPush(url, 'refs/heads/both'));
  const projects = member(both.body, 'projects');
  assert.equal([status(both), Array.isArray(projects) && projects.map((one) => member(one, 'status'))], ['enqueued', ['enqueued', 'enqueued']]);
  await finish(id);
  await admin.expect(204, 'deleteProject', { path: { id } });
  await finish(other.id);
  const after = await sendGithub(anonymous, other.secret, githubPush(url));
  const left = member(after.body, 'projects');
  assert.equal(new Set(Array.isArray(left) ? left.map((one) => member(one, 'status')) : []), new Set(['enqueued', 'ignored']));
});
github('a wrong, missing or misplaced proof and an unknown repository are the same 401, and start nothing', async () => {
  await forgetLimits();
  const { id, url, secret: key } = await hooked();
  const raw = JSON.stringify(githubPush(url));
  const details = new Set<string>();
  const refuse = async (sent: Promise<Answer>): Promise<void> => {
    const { status: code, body } = await sent;
    assert.is(code, 401);
    details.add(String(member(body, 'detail')));
  };
  const { createHmac } = await import('node:crypto');
  const signature = createHmac('sha256', key).update(raw).digest('hex');
  for (const proof of [null, '', 'sha256=', `sha256=${'0'.repeat(64)}`, signature, `sha1=${signature}`, `sha256=${signature.toUpperCase()}`, `sha256=${signature}0`, key]) await refuse(sendGithub(anonymous, key, raw, { proof }));
  await refuse(sendGithub(anonymous, key, raw.replace('main', 'mainx'), { proof: `sha256=${signature}` }));
  await refuse(sendGithub(anonymous, key, `${raw} `, { proof: `sha256=${signature}` }));
  await refuse(sendGithub(anonymous, key, githubPush(repository())));
  await refuse(anonymous.call('receiveGithubWebhook', { raw, headers: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'x', 'X-Gitlab-Token': key, Authorization: `sha256=${signature}` } }));
  await refuse(sendGitlab(anonymous, 'another', gitlabPush(url)));
  assert.is(details.size, 1, 'they tell nothing apart');
  assert.equal([await scans(id), (await sql`SELECT FROM webhook_deliveries WHERE project_id = ${id}`.execute(db)).rows.length], [[], 0]);
});
github('deleted refs, pings and other events are ignored with their reason; a payload without a repository is 404', async () => {
  await forgetLimits();
  const { id, url, secret: key } = await hooked();
  const gone = githubPush(url, 'refs/heads/main', '0'.repeat(40));
  for (const [payload, event] of [[gone, 'push'], [githubPush(url), 'ping'], [githubPush(url), 'made-up'], [{ ...githubPush(url), ref: 'refs/notes/x' }, 'push'], [{ ...githubPush(url), after: 'HEAD' }, 'push'], [{ ...githubPush(url), ref: 7 }, 'push'], [{ ...githubPush(url), action: 'opened', number: '7' }, 'pull_request']] as const) {
    const answer = await sendGithub(anonymous, key, payload, { event });
    assert.equal([answer.status, status(answer)], [200, 'ignored'], answer.text);
  }
  const { body } = await admin.expect(200, 'listProjectWebhookDeliveries', { path: { id } });
  const items = member(body, 'items');
  assert.ok(Array.isArray(items) && items.length === 7 && items.every((one) => typeof member(one, 'reason') === 'string'));
  assert.equal(await scans(id), []);
  for (const payload of [{}, { repository: {} }, { repository: 'x' }, { repository: { clone_url: 7 } }]) await anonymous.refused('not-found', 'receiveGithubWebhook', { raw: JSON.stringify(payload), headers: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'x' } });
});
github('what is no webhook is a clear problem: no event, no JSON, too large, another type, too many', async () => {
  await forgetLimits();
  const { url, secret: key } = await hooked();
  await anonymous.refused('invalid-request', 'receiveGithubWebhook', { raw: '{}' });
  assert.is((await sendGithub(anonymous, key, githubPush(url), { delivery: null })).status, 400);
  assert.is((await sendGithub(anonymous, key, '{"ref": ')).status, 400);
  assert.is((await sendGithub(anonymous, key, '[]')).status, 422);
  assert.is((await sendGithub(anonymous, key, JSON.stringify({ ...githubPush(url), filler: 'x'.repeat(5 * 1024 * 1024) }))).status, 413);
  await anonymous.refused('unsupported-media-type', 'receiveGithubWebhook', { raw: 'payload=%7B%7D', contentType: 'application/x-www-form-urlencoded', headers: { 'X-GitHub-Event': 'push', 'X-GitHub-Delivery': 'x' } });
  const codes = await Promise.all(Array.from({ length: 125 }, () => sendGithub(anonymous, key, githubPush(url), { event: 'ping' }))).then((answers) => answers.map(({ status: code }) => code));
  assert.ok(codes.includes(429) && codes.includes(200));
  await forgetLimits();
});
github('deliveries are kept for 30 days', async () => {
  const { id, url, secret: key } = await hooked();
  await sendGithub(anonymous, key, githubPush(url), { event: 'ping', delivery: 'old' });
  await sql`UPDATE webhook_deliveries SET received_at = now() - interval '31 days' WHERE project_id = ${id}`.execute(db);
  await sendGithub(anonymous, key, githubPush(url), { event: 'ping', delivery: 'young' });
  await deleteOldDeliveries(db, new Date(Date.now() - 30 * 86_400_000));
  const { rows } = await sql<{ delivery_id: string }>`SELECT delivery_id FROM webhook_deliveries WHERE project_id = ${id}`.execute(db);
  assert.equal(rows, [{ delivery_id: 'young' }]);
});

const gitlab = suite('receiveGitlabWebhook');
(GIT ? gitlab : gitlab.skip)('pushes, tags and merge requests queue scans; updates without commits and deletions do not', async () => {
  await forgetLimits();
  const { id, url, secret: key } = await hooked();
  const merge = (attributes: object) => ({ object_kind: 'merge_request', project: { git_http_url: url }, object_attributes: { iid: 7, target_branch: 'main', last_commit: { id: '3f786850e387550fdab836ed7e6dc881de23001b' }, ...attributes } });
  const cases: [object, string, string][] = [
    [gitlabPush(url), 'Push Hook', 'enqueued'], [gitlabPush(url, 'refs/tags/v2'), 'Tag Push Hook', 'enqueued'], [gitlabPush(url, 'refs/heads/main', null), 'Push Hook', 'ignored'],
    [merge({ action: 'open' }), 'Merge Request Hook', 'enqueued'], [merge({ action: 'update' }), 'Merge Request Hook', 'ignored'], [merge({ action: 'merge' }), 'Merge Request Hook', 'ignored'], [gitlabPush(url), 'Pipeline Hook', 'ignored'],
  ];
  for (const [payload, event, expected] of cases) {
    const answer = await sendGitlab(anonymous, key, payload, { event });
    assert.is(status(answer), expected, `${event} ${answer.text}`);
  }
  assert.equal((await scans(id)).map(([ref]) => ref).sort(), ['main', 'mr-7', 'v2']);
  await finish(id);
  assert.is(status(await sendGitlab(anonymous, key, merge({ action: 'update', oldrev: 'a'.repeat(40) }), { event: 'Merge Request Hook' })), 'enqueued');
  await finish(id);
  const bare = gitlabPush(url, 'refs/heads/bare');
  assert.equal([status(await sendGitlab(anonymous, key, bare, { delivery: null })), status(await sendGitlab(anonymous, key, bare, { delivery: null }))], ['enqueued', 'duplicate'], 'a hash of the body stands for the id');
});
gitlab('a wrong token or none is 401, a payload without a repository 404, and what is no webhook a clear problem', async () => {
  await forgetLimits();
  const { url, secret: key } = await hooked();
  for (const proof of [null, '', `${key}x`, key.slice(1)]) assert.is((await sendGitlab(anonymous, key, gitlabPush(url), { proof })).status, 401);
  assert.is((await sendGitlab(anonymous, key, gitlabPush(repository()))).status, 401);
  assert.is((await sendGitlab(anonymous, key, {})).status, 404);
  assert.is((await sendGitlab(anonymous, key, '[]')).status, 422);
  assert.is((await sendGitlab(anonymous, key, '{')).status, 400);
  assert.is((await sendGitlab(anonymous, key, JSON.stringify({ x: 'x'.repeat(5 * 1024 * 1024) }))).status, 413);
  await anonymous.refused('unsupported-media-type', 'receiveGitlabWebhook', { raw: 'a=b', contentType: 'application/x-www-form-urlencoded', headers: { 'X-Gitlab-Event': 'Push Hook' } });
  const codes = await Promise.all(Array.from({ length: 125 }, () => sendGitlab(anonymous, key, gitlabPush(url), { event: 'Pipeline Hook' }))).then((answers) => answers.map(({ status: code }) => code));
  assert.ok(codes.includes(429) && codes.includes(200));
});

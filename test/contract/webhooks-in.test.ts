/** Webhooks of code hosts: whose they are, what they start, once each, and everything that does not fit. (Their secrets: webhook-secrets.test.ts) */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { deleteOldDeliveries } from '../../src/db/webhooks.ts';
import { githubPush, gitlabPush, sendGithub, sendGitlab } from '../support/code-host.ts';
import { member, type Answer } from '../support/contract.ts';
import { GIT } from '../support/git.ts';
import { startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';
import { hookedProject, someRepository } from '../support/webhooks.ts';

const own = await startTestPortal({ MAX_ACTIVE_SCANS_PER_TEAM: '3' }, { api: true, worker: false });
const { admin, anonymous, database: { db } } = own;
const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);
const hooked = (url?: string, fields?: object) => hookedProject(own, url, fields);
const status = ({ body }: Answer): string => String(member(body, 'status'));
const scans = async (id: string): Promise<string[][]> => (await sql<{ ref: string; fetch_ref: string; fetch_commit: string }>`SELECT ref, fetch_ref, fetch_commit FROM scans WHERE project_id = ${id} ORDER BY created_at, id`.execute(db)).rows.map((row) => [row.ref, row.fetch_ref, row.fetch_commit.slice(0, 7)]);
const finish = (id: string) => sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE project_id = ${id}`.execute(db);

/** GitHub's own examples. */
const EXAMPLES: unknown = JSON.parse(readFileSync(new URL('./api.github.com/index.json', import.meta.resolve('@octokit/webhooks-examples/package.json')), 'utf8'));
const examples = (name: string): Record<string, unknown>[] => {
  const found = Array.isArray(EXAMPLES) ? EXAMPLES.filter(isRecord).find((one) => one['name'] === name)?.['examples'] : undefined;
  return Array.isArray(found) ? found.filter(isRecord) : [];
};

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
  await refuse(sendGithub(anonymous, key, githubPush(someRepository())));
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
  assert.is((await sendGitlab(anonymous, key, gitlabPush(someRepository()))).status, 401);
  assert.is((await sendGitlab(anonymous, key, {})).status, 404);
  assert.is((await sendGitlab(anonymous, key, '[]')).status, 422);
  assert.is((await sendGitlab(anonymous, key, '{')).status, 400);
  assert.is((await sendGitlab(anonymous, key, JSON.stringify({ x: 'x'.repeat(5 * 1024 * 1024) }))).status, 413);
  await anonymous.refused('unsupported-media-type', 'receiveGitlabWebhook', { raw: 'a=b', contentType: 'application/x-www-form-urlencoded', headers: { 'X-Gitlab-Event': 'Push Hook' } });
  const codes = await Promise.all(Array.from({ length: 125 }, () => sendGitlab(anonymous, key, gitlabPush(url), { event: 'Pipeline Hook' }))).then((answers) => answers.map(({ status: code }) => code));
  assert.ok(codes.includes(429) && codes.includes(200));
});

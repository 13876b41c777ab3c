/** From a push to the comment, all by itself: a real repository, signed webhooks, scans, the code host on loopback, and the mail that tells of it. */
import * as assert from 'uvu/assert';
import path from 'node:path';
import { sql } from 'kysely';
import { repositoryAt } from '../../src/domain/pull-requests/report.ts';
import { takeUpPushes } from '../../src/domain/webhooks/take-up.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { githubPush, gitlabPush, sendGithub, sendGitlab, startCodeHost, type TestCodeHost } from '../support/code-host.ts';
import { member } from '../support/contract.ts';
import { commit, git, GIT, newRepository, npmLock, serveHttps, tempFolder, type GitServer } from '../support/git.ts';
import { openMailbox } from '../support/mailbox.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const root = await tempFolder();
const https: GitServer = GIT ? await serveHttps(root, 'x:y', ['localhost', '127.0.0.1']) : { port: 1, caFile: '/none', requests: [] };
const mailbox = await openMailbox();
const { portal, admin, anonymous, database } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: 'localhost,127.0.0.1', GIT_CA_FILE: https.caFile, SMTP_URL: mailbox.url });
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, osv({ id: 'GHSA-w1', aliases: ['CVE-2024-9001'], name: 'alpha', cvss: CRITICAL }));
const TOKEN = 'a-token-of-the-tests';

interface Hosted {
  id: string;
  teamId: string;
  slug: string;
  url: string;
  secret: string;
  clone: string;
  host: TestCodeHost;
}

/** A bare repository with a clone to push from, and a project that knows its code host. */
async function hosted(kind: 'github' | 'gitlab', settings: object = {}): Promise<Hosted> {
  const name = `shop-${crypto.randomUUID()}`;
  const clone = await newRepository(root, `clones/${name}`, { 'package-lock.json': npmLock('beta@1.0.0') });
  git(root, 'clone', '-q', '--bare', clone, path.join(root, 'acme', `${name}.git`));
  git(clone, 'remote', 'add', 'origin', path.join(root, 'acme', `${name}.git`));
  const url = `https://localhost:${https.port}/acme/${name}.git`;
  const { teamId } = await newUser(anonymous, database, 'team_admin');
  const id = await newProject(admin, { git_url: url, default_branch: 'main', team_id: teamId });
  const slug = String(member((await admin.expect(200, 'getProject', { path: { id } })).body, 'slug'));
  const host = await startCodeHost(kind, `acme/${name}`, 7, TOKEN);
  await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind, api_url: host.url, token: TOKEN, ...settings } });
  const secret = String(member((await admin.expect(200, 'rotateProjectWebhookSecret', { path: { id } })).body, 'secret'));
  await sql`DELETE FROM rate_limits`.execute(db);
  return { id, teamId, slug, url, secret, clone, host };
}

/** Waits until no job of these kinds is left to do. */
async function settled(...names: string[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (let open = 1; open > 0; ) {
    const { rows } = await sql<{ open: number }>`SELECT count(*)::int AS open FROM pgboss.job WHERE name = ANY(${['run-scan', 'take-up-pushes', 'report-scan', ...names]}) AND state IN ('created', 'active', 'retry')`.execute(db);
    open = rows[0]?.open ?? 0;
    assert.ok(Date.now() < deadline, 'a job never ends');
  }
}
const pullRequest = (url: string, sha: string, action = 'opened'): object => ({ action, number: 7, pull_request: { head: { sha }, base: { ref: 'main' } }, repository: { clone_url: url } });
const mergeRequest = (url: string, sha: string): object => ({ object_kind: 'merge_request', project: { git_http_url: url }, object_attributes: { iid: 7, action: 'open', target_branch: 'main', last_commit: { id: sha } } });
const states = ({ host }: Hosted, sha: string): unknown[] => host.statuses.filter((one) => one['sha'] === sha).map((one) => one['state']);
const scansOf = async (id: string): Promise<{ ref: string; status: string; commit_sha: string }[]> =>
  (await sql<{ ref: string; status: string; commit_sha: string }>`SELECT ref, status, commit_sha FROM scans WHERE project_id = ${id} ORDER BY created_at, id`.execute(db)).rows;
const lastReport = async (id: string): Promise<unknown> => member((await admin.expect(200, 'getProjectCodeHost', { path: { id } })).body, 'last_report', 'error');

const walk = suite('a code host');
const withGit = GIT ? walk : walk.skip;
for (const kind of ['github', 'gitlab'] as const) {
  withGit(`${kind}: a push is scanned and its commit has a status; a request is commented, and its authors hear of a gate that fails`, async () => {
    const project = await hosted(kind);
    const { id, url, secret, clone, host, slug, teamId } = project;
    const reader = await newUser(anonymous, database, 'developer', teamId);
    await sql`DELETE FROM rate_limits`.execute(db);
    const base = await commit(clone, { 'package-lock.json': npmLock('beta@1.0.1') });
    git(clone, 'push', '-q', 'origin', 'main');
    const pushed = kind === 'github' ? await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/main', base)) : await sendGitlab(anonymous, secret, gitlabPush(url, 'refs/heads/main', base));
    assert.is(member(pushed.body, 'status'), 'enqueued', pushed.text);
    await settled();
    assert.equal(await scansOf(id), [{ ref: 'main', status: 'succeeded', commit_sha: base }]);
    assert.equal([states(project, base).at(-1), host.statuses[0]?.[kind === 'github' ? 'context' : 'name'], host.comments.size], ['success', `sca-portal/${slug}`, 0]);
    assert.ok(states(project, base).every((state, index, all) => state === (index === all.length - 1 ? 'success' : 'pending')), JSON.stringify(host.statuses));
    const head = await commit(clone, { 'package-lock.json': npmLock('beta@1.0.1', 'alpha@1.0.0') });
    git(clone, 'push', '-q', 'origin', `HEAD:refs/${kind === 'github' ? 'pull' : 'merge-requests'}/7/head`);
    const asked = kind === 'github' ? await sendGithub(anonymous, secret, pullRequest(url, head), { event: 'pull_request' }) : await sendGitlab(anonymous, secret, mergeRequest(url, head), { event: 'Merge Request Hook' });
    assert.is(member(asked.body, 'status'), 'enqueued', asked.text);
    await settled();
    assert.is(states(project, head).at(-1), kind === 'github' ? 'failure' : 'failed');
    const [comment = ''] = host.comments.values();
    assert.match(comment, /### ❌ Gate failed[\s\S]*\*\*1 new\*\* vulnerability\. Compared with `main`\.[\s\S]*CVE-2024-9001/);
    assert.is(await lastReport(id), null);
    const { rows } = await sql<{ actor_kind: string }>`SELECT actor_kind FROM audit_log WHERE target_table = 'pull_requests' AND team_id = ${teamId}`.execute(db);
    assert.equal(rows, [{ actor_kind: 'system' }]);
    git(clone, 'push', '-q', 'origin', 'main');
    const merged = kind === 'github' ? await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/main', head)) : await sendGitlab(anonymous, secret, gitlabPush(url, 'refs/heads/main', head));
    assert.is(member(merged.body, 'status'), 'enqueued');
    const told = [(await mailbox.next(reader.email)).text, (await mailbox.next(reader.email)).text].join('\n');
    assert.match(told, /1 critical vulnerability new in Project[\s\S]*The gate of Project .* is fail|The gate of Project .* is fail[\s\S]*1 critical vulnerability new in Project/);
  });
}
withGit('pushes during a scan are made up for when it ends: the newest of each ref, once', async () => {
  const { id, url, secret, clone } = await hosted('github', { comments: false, commit_statuses: false });
  const shas: string[] = [];
  for (const version of ['1.0.1', '1.0.2', '1.0.3']) shas.push(await commit(clone, { 'package-lock.json': npmLock(`beta@${version}`) }));
  git(clone, 'push', '-q', 'origin', 'main', 'HEAD:refs/heads/other');
  await sql`INSERT INTO scans (project_id, kind, ref, status) VALUES (${id}, 'sbom', 'main', 'queued'), (${id}, 'sbom', 'other', 'queued')`.execute(db); // two that nobody runs
  const outcomes: unknown[] = [];
  for (const sha of shas) outcomes.push(member((await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/main', sha))).body, 'status'));
  outcomes.push(member((await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/other', shas[1]))).body, 'status'));
  assert.equal(outcomes, Array.from({ length: 4 }, () => 'skipped_active_scan'));
  const never = new AbortController().signal;
  await takeUpPushes(portal.services, never);
  assert.is((await scansOf(id)).length, 2, 'there is no room yet');
  const { rows: [main] } = await sql<{ id: string }>`SELECT id FROM scans WHERE project_id = ${id} AND ref = 'main'`.execute(db);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: main?.id ?? '' } });
  await Promise.all([takeUpPushes(portal.services, never), takeUpPushes(portal.services, never)]);
  await settled();
  assert.equal((await scansOf(id)).filter(({ ref }) => ref === 'main').map(({ status, commit_sha }) => [status, commit_sha]), [['cancelled', null], ['succeeded', shas[2]]]);
  assert.is((await scansOf(id)).length, 3, 'the other ref goes on waiting');
  const { body } = await admin.expect(200, 'listProjectWebhookDeliveries', { path: { id }, query: { sort: 'received_at' } });
  assert.equal([0, 1, 2, 3].map((index) => [member(body, 'items', index, 'status'), typeof member(body, 'items', index, 'scan_id')]), [['ignored', 'object'], ['ignored', 'object'], ['enqueued', 'string'], ['skipped_active_scan', 'object']]);
  assert.match(String(member(body, 'items', 0, 'reason')), /later delivery/);
  await sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE project_id = ${id} AND status = 'queued'`.execute(db);
  await sql`UPDATE webhook_deliveries SET received_at = now() - interval '25 hours' WHERE project_id = ${id} AND status = 'skipped_active_scan'`.execute(db);
  await takeUpPushes(portal.services, never);
  assert.is((await scansOf(id)).length, 3, 'after a day nobody waits for it');
});
withGit('a scan that fails is an error at the commit; what the host refuses stands with the code host; what passes is tried again', async () => {
  const project = await hosted('github');
  const { id, url, secret, clone, host } = project;
  const gone = 'b'.repeat(40);
  await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/main', gone));
  await settled();
  assert.equal([(await scansOf(id))[0]?.status, states(project, gone).at(-1)], ['failed', 'error']);
  host.failures.push({ status: 401 }, { status: 401 }, { status: 401 });
  const base = git(clone, 'rev-parse', 'HEAD');
  await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/main', base));
  await settled();
  assert.match(String(await lastReport(id)), /does not take the project's token/);
  host.failures.splice(0, Infinity, { status: 502 }, { status: 502 }, { status: 502 }, { status: 502 });
  await commit(clone, { 'package-lock.json': npmLock('beta@3.0.0') });
  git(clone, 'push', '-q', 'origin', 'HEAD:refs/heads/again');
  const again = git(clone, 'rev-parse', 'HEAD');
  await sendGithub(anonymous, secret, githubPush(url, 'refs/heads/again', again));
  await settled();
  assert.equal([states(project, again).at(-1), await lastReport(id)], ['success', null]);
  await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', api_url: host.url, token: TOKEN, comments: false, commit_statuses: false } });
  host.asked.splice(0);
  await sendGithub(anonymous, secret, pullRequest(url, again), { event: 'pull_request' });
  await settled();
  assert.equal([(await scansOf(id)).length, host.asked], [4, []]);
});
walk('the repository of a git_url is the path that the API knows', () => {
  const at = (url: string, kind: 'github' | 'gitlab', apiUrl = 'https://git.example.com/api/v4') => repositoryAt(url, { kind, api_url: apiUrl });
  assert.equal(['https://github.com/acme/shop.git', 'git@github.com:acme/shop.git', 'ssh://git@ghe.example.com:22/acme/shop', 'https://host/folder/acme/shop/'].map((url) => at(url, 'github')), Array.from({ length: 4 }, () => 'acme/shop'));
  assert.equal([at('https://gitlab.com/group/sub/shop.git', 'gitlab'), at('git@gitlab.com:group/sub/shop.git', 'gitlab'), at('https://host/gitlab/group/shop.git', 'gitlab', 'https://host/gitlab/api/v4')], ['group/sub/shop', 'group/sub/shop', 'group/shop']);
});

/** Comments on pull requests: what they say, one in its place, and hosts that misbehave. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { importFiles, osv } from '../support/advisories.ts';
import { startCodeHost, type TestCodeHost } from '../support/code-host.ts';
import { member, type Answer } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startServer } from '../support/identity-provider.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: '127.0.0.1' });
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, osv({ id: 'GHSA-c1', aliases: ['CVE-2024-8001'], name: 'alpha', cvss: CRITICAL }), osv({ id: 'GHSA-c2', name: 'beta' }), osv({ id: 'GHSA-c3', name: 'ev|`il' }));
const COMMIT = 'a'.repeat(40);
const TOKEN = 'a-token-of-the-tests';
type Kind = 'github' | 'gitlab';

async function hosted(kind: Kind, repository = 'acme/shop', settings: object = {}): Promise<{ id: string; host: TestCodeHost }> {
  const id = await newProject(admin, { git_url: `https://git.invalid/${repository}.git`, default_branch: 'main' });
  const host = await startCodeHost(kind, repository, 7, TOKEN);
  await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind, api_url: `${host.url}/`, token: TOKEN, commit_statuses: false, ...settings } }); // what is told by itself is in code-host-reports.test.ts
  return { id, host };
}
const scan = async (id: string, ref: string, ...purls: string[]): Promise<string> => (await scanToEnd(admin, id, sbomForm(cycloneDx(purls.map((purl) => ({ purl, license: 'MIT' }))), { ref, commit_sha: COMMIT }))).id;
const post = (scanId: string, json: object = {}): Promise<Answer> => admin.call('postScanPullRequestComment', { path: { id: scanId }, json: { repo_full_name: 'acme/shop', pr_number: 7, ...json } });

const settings = suite('replaceProjectCodeHost');
settings('seals the token, shows the rest, and goes away', async () => {
  const id = await newProject(admin);
  await admin.refused('not-found', 'getProjectCodeHost', { path: { id } });
  const { body } = await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', token: TOKEN } });
  assert.equal([member(body, 'kind'), member(body, 'api_url')], ['github', 'https://api.github.com']);
  assert.is(member((await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'gitlab', api_url: 'https://gitlab.example.com/api/v4//', token: TOKEN } })).body, 'api_url'), 'https://gitlab.example.com/api/v4');
  assert.equal((await admin.expect(200, 'getProjectCodeHost', { path: { id } })).text.includes(TOKEN), false);
  const { rows } = await sql<{ all: string }>`SELECT h::text || (SELECT string_agg(a::text, '') FROM audit_log a WHERE a.target_id = ${id}) AS all FROM project_code_hosts h WHERE project_id = ${id}`.execute(db);
  assert.not.ok(rows[0]?.all.includes(TOKEN));
  await admin.expect(204, 'deleteProjectCodeHost', { path: { id } });
  await admin.refused('not-found', 'deleteProjectCodeHost', { path: { id } });
});
settings('refuses private addresses, plain http, credentials in the URL, a missing token, and strangers', async () => {
  const id = await newProject(admin);
  for (const api_url of ['http://git.example.com/api', 'https://10.0.0.1/api', 'https://192.168.1.1/api', 'https://[::1]/api', 'https://user:pass@git.example.com', 'https://git.example.com/?x=1', 'ftp://git.example.com', 'not a URL']) {
    await admin.refused('validation-failed', 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', api_url, token: TOKEN } });
  }
  await admin.refused('validation-failed', 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github' } });
  await admin.refused('validation-failed', 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', token: 'two\r\nlines' } });
  const stranger = await newUser(anonymous, database, 'team_admin');
  for (const operation of ['getProjectCodeHost', 'replaceProjectCodeHost', 'deleteProjectCodeHost'] as const) assert.ok([403, 404].includes((await stranger.client.call(operation, { path: { id }, ...(operation === 'replaceProjectCodeHost' ? { json: { kind: 'github', token: TOKEN } } : {}) })).status));
  await admin.expect(204, 'deleteProject', { path: { id } });
  await admin.refused('project-archived', 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', token: TOKEN } });
});

const comments = suite('postScanPullRequestComment');
for (const kind of ['github', 'gitlab'] as const) {
  comments(`${kind}: tells the gate and what is new against the base, once, made anew in its place, with a commit status`, async () => {
    const { id, host } = await hosted(kind, 'acme/shop', { commit_statuses: true });
    const slug = String(member((await admin.expect(200, 'getProject', { path: { id } })).body, 'slug'));
    await scan(id, 'main', 'pkg:npm/beta@1.0.0');
    const head = await scan(id, 'pr-7', 'pkg:npm/beta@1.0.0', 'pkg:npm/alpha@1.0.0');
    host.comments.set(1, 'Nice work!');
    const first = await post(head);
    assert.equal([first.status, ...['status', 'gate', 'comment_id', 'commit_status'].map((name) => member(first.body, name))], [200, 'posted', 'fail', 1001, 'set'], first.text);
    const text = host.comments.get(1001) ?? '';
    assert.ok(text.startsWith(`<!-- sca-portal:${id} -->\n\n### ❌ Gate failed`), text);
    assert.match(text, /\*\*1 new\*\* vulnerability\. Compared with `main`\./);
    assert.match(text, /\| critical \| \[CVE-2024-8001\]\(https:\/\/osv\.dev\/vulnerability\/CVE-2024-8001\) \| `alpha 1\.0\.0` \| `2\.0\.0` \|/);
    assert.not.match(text, /beta/);
    assert.match(String(member(first.body, 'body_preview')), /^❌ Gate failed 1 vulnerability of severity critical open/);
    assert.equal([host.statuses.at(-1)?.['sha'], host.statuses.at(-1)?.['state'], host.statuses.at(-1)?.[kind === 'github' ? 'context' : 'name']], [COMMIT, kind === 'github' ? 'failure' : 'failed', `sca-portal/${slug}`]);
    const fixed = await scan(id, 'pr-7', 'pkg:npm/alpha@2.0.0');
    const second = await post(fixed);
    assert.equal([member(second.body, 'status'), member(second.body, 'comment_id'), host.comments.size], ['updated', 1001, 2]);
    assert.match(host.comments.get(1001) ?? '', /### ✅ Gate passed[\s\S]*\*\*0 new\*\* vulnerabilities, 1 gone/);
    const both = await Promise.all([1, 2, 3].map(() => post(fixed)));
    assert.equal([both.map(({ status }) => status), host.comments.size], [[200, 200, 200], 2]);
    const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM audit_log WHERE target_table = 'pull_requests' AND target_id = ${fixed}`.execute(db);
    assert.is(rows[0]?.count, 4);
  });
  comments(`${kind}: a host that fails for a moment is asked again, and one comment is left even where an answer was lost`, async () => {
    const { id, host } = await hosted(kind);
    const head = await scan(id, 'pr-7', 'pkg:npm/beta@1.0.0');
    host.failures.push({ status: 502 }, null);
    assert.is((await post(head)).status, 200);
    host.comments.clear();
    host.failures.push({ status: 429, headers: { 'Retry-After': '1' } });
    const start = Date.now();
    assert.is((await post(head)).status, 200);
    assert.ok(Date.now() - start >= 1000);
    host.comments.clear();
    host.failures.push({ status: 200, after: true }, { status: 200, after: true });
    const answer = await post(head);
    assert.equal([answer.status, host.comments.size], [200, 1], answer.text);
  });
  comments(`${kind}: a token that is not taken, one that may not, a limit for an hour, and a host that goes on failing are 502 with the reason`, async () => {
    const { id, host } = await hosted(kind);
    const head = await scan(id, 'pr-7', 'pkg:npm/beta@1.0.0');
    const refused = async (...failures: TestCodeHost['failures']): Promise<Answer> => {
      host.failures.splice(0, Infinity, ...failures);
      const answer = await post(head);
      assert.is(answer.status, 502, answer.text);
      return answer;
    };
    assert.match(String(member((await refused({ status: 401 })).body, 'detail')), /Set a new one/);
    assert.match(String(member((await refused({ status: 403 })).body, 'detail')), /may not write there/);
    assert.match(String(member((await refused({ status: 302, headers: { Location: 'http://169.254.169.254/' } })).body, 'detail')), /302/);
    assert.is((await refused({ status: 429, headers: { 'Retry-After': '3600' } })).headers.get('Retry-After'), '3600');
    const reset = String(Math.floor(Date.now() / 1000) + 900);
    const limited = await refused({ status: 403, headers: kind === 'github' ? { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': reset } : { 'RateLimit-Remaining': '0', 'RateLimit-Reset': reset } });
    assert.ok(Number(limited.headers.get('Retry-After')) > 880);
    await refused({ status: 500 }, { status: 500 }, { status: 500 });
    assert.is(host.comments.size, 0);
    await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind, api_url: host.url, token: 'another', commit_statuses: false } });
    await refused();
  });
}
comments('the comment is found on the fourth page and not where it is quoted; one that may not be changed is left, and there is a new one', async () => {
  const { id, host } = await hosted('github');
  const head = await scan(id, 'pr-7', 'pkg:npm/beta@1.0.0');
  for (let place = 0; place < 350; place += 1) host.comments.set(place, `Comment ${place}`);
  host.comments.set(50, `Quoted: <!-- sca-portal:${id} -->`);
  host.comments.set(340, `<!-- sca-portal:${id} --> old`);
  assert.equal(member((await post(head)).body, 'comment_id'), 340);
  host.foreign.add(340);
  assert.equal([member((await post(head)).body, 'status'), host.comments.get(340)?.includes('Gate')], ['posted', true]);
});
comments('whatever packages and advisories are called, nobody is mentioned and no table is broken', async () => {
  const { id, host } = await hosted('github');
  const head = await scan(id, 'pr-7', 'pkg:npm/ev%7C%60il@1.0.0');
  assert.is((await post(head)).status, 200);
  const [text = ''] = host.comments.values();
  assert.ok(text.includes('| unknown | [GHSA-c3](https://osv.dev/vulnerability/GHSA-c3) | `` ev\u2223`il 1.0.0 `` | `2.0.0` |'), text);
  assert.match(text, /Nothing to compare with/);
});
comments('a dry run needs no code host; without one, for another repository, and of an unfinished scan it is refused', async () => {
  const id = await newProject(admin, { git_url: 'git@git.invalid:acme/shop.git' });
  const head = await scan(id, 'pr-7', 'pkg:npm/alpha@1.0.0');
  const { status, body } = await post(head, { dry_run: true });
  assert.equal([status, member(body, 'status'), member(body, 'comment_id'), member(body, 'commit_status')], [200, 'dry_run', null, null]);
  assert.is((await post(head)).status, 409);
  for (const repo_full_name of ['acme/other', 'other/acme/shop', 'acme/sho', 'shop/acme']) assert.is((await post(head, { repo_full_name })).status, 422, repo_full_name);
  assert.is((await post(await queuedScan(database, id, 'x'))).status, 409);
  await admin.refused('not-found', 'postScanPullRequestComment', { path: { id: crypto.randomUUID() }, json: { repo_full_name: 'acme/shop', pr_number: 7 } });
});
comments('a host that hangs is given up after a while', async () => {
  const { id } = await hosted('github');
  const silent = await startServer(() => undefined);
  await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', api_url: silent.url, token: TOKEN, commit_statuses: false } });
  const answer = await post(await scan(id, 'pr-7', 'pkg:npm/beta@1.0.0'));
  assert.equal([answer.status, /too long/.test(answer.text)], [502, true], answer.text);
}, { timeoutMs: 60_000 });

/** Scans of repositories, end to end: real servers on loopback, hostile addresses, hostile repositories, and what a cancelled fetch leaves behind. */
import * as assert from 'uvu/assert';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { member } from '../support/contract.ts';
import { commit, git, GIT, newRepository, npmLock } from '../support/git.ts';
import { startGitPortal } from '../support/git-portal.ts';
import { processesIn } from '../support/processes.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const LOGIN = 'x-access-token:t0p-secret-token';
const { root, https, hang, sshLog, daemonPort, at, admin, database, dataDir, scan, scanUrl } = await startGitPortal(LOGIN, 't0p-secret');

const sources = suite('createScan with a git_url');
const withGit = GIT ? sources : sources.skip;

withGit('reads the licence tags at the head of source files, and no others', async () => {
  const tag = (expression: string): string => `// SPDX-License-Identifier: ${expression}\n`;
  await newRepository(root, 'tagged', {
    'package-lock.json': npmLock('lodash@4.17.20'), 'src/a:b c.C': tag('BSD-2-Clause'), 'vendor/x/y.c': tag('GPL-3.0-only'), 'notes.txt': tag('Zlib'), 'src/late.c': `${'\n'.repeat(200)}${tag('GPL-2.0-only')}`, 'src/umläut.py': `# SPDX-License-Identifier: MIT\n`,
  });
  await newRepository(root, 'untagged', { 'package-lock.json': npmLock('lodash@4.17.20'), 'src/a.c': 'int main() {}\n' });
  for (const [name, expected] of [['tagged', 'BSD-2-Clause AND MIT'], ['untagged', null]] as const) {
    const { id, status, warnings } = await scanUrl(at(name));
    const { rows } = await sql<{ own_license: string | null }>`SELECT own_license FROM scans WHERE id = ${id}`.execute(database.db);
    assert.equal([status, warnings, rows[0]?.own_license], ['succeeded', [], expected]);
  }
});
withGit('takes the branch, the tag, the commit or the default branch that was asked for', async () => {
  const repository = await newRepository(root, 'lines', { 'package-lock.json': npmLock('lodash@4.17.20') });
  const first = git(repository, 'rev-parse', 'HEAD');
  git(repository, 'tag', '-a', 'v1', '-m', 'one');
  git(repository, 'branch', 'both');
  const second = await commit(repository, { 'package-lock.json': npmLock('lodash@4.17.21') });
  git(repository, 'tag', 'both');
  git(repository, 'checkout', '-q', '-b', 'dev/topic');
  const third = await commit(repository, { 'package-lock.json': npmLock('minimist@1.2.8') });
  git(repository, 'update-ref', 'refs/pull/7/head', first);
  git(repository, 'checkout', '-q', 'main');
  const project = await newProject(admin, { git_url: at('lines') });
  const seen = async (json: Record<string, unknown>) => {
    const { status, message, commit: sha, ref, purls } = await scan(project, json);
    assert.is(status, 'succeeded', String(message));
    return [ref, sha, purls];
  };
  assert.equal(await seen({}), [null, second, ['pkg:npm/lodash@4.17.21']]);
  assert.equal(await seen({ ref: 'dev/topic' }), ['dev/topic', third, ['pkg:npm/minimist@1.2.8']]);
  assert.equal(await seen({ ref: 'v1' }), ['v1', first, ['pkg:npm/lodash@4.17.20']]);
  assert.equal(await seen({ ref: 'both' }), ['both', first, ['pkg:npm/lodash@4.17.20']]);
  assert.equal(await seen({ ref: 'refs/tags/both' }), ['both', second, ['pkg:npm/lodash@4.17.21']]);
  assert.equal(await seen({ ref: 'pr-7' }), ['pr-7', first, ['pkg:npm/lodash@4.17.20']]);
  assert.equal(await seen({ commit_sha: first.toUpperCase() }), [null, first, ['pkg:npm/lodash@4.17.20']]);
  assert.equal(await seen({ ref: 'main', commit_sha: second.slice(0, 9) }), ['main', second, ['pkg:npm/lodash@4.17.21']]);
  const defaulted = await scanUrl(at('lines'), {}, { default_branch: 'dev/topic' });
  assert.equal([defaulted.ref, defaulted.commit], ['dev/topic', third]);
});
withGit('a ref or commit that is gone fails the scan, and no other is taken', async () => {
  const repository = await newRepository(root, 'gone', { 'package-lock.json': npmLock('lodash@4.17.20') });
  const project = await newProject(admin, { git_url: at('gone') });
  const ref = await scan(project, { ref: 'release' });
  assert.equal([ref.status, ref.code, ref.purls], ['failed', 'git-ref-not-found', []]);
  assert.match(String(ref.message), /refs\/heads\/release or refs\/tags\/release/);
  assert.is((await scan(project, { commit_sha: '0123456789012345678901234567890123456789' })).code, 'git-commit-not-found');
  const old = git(repository, 'rev-parse', 'HEAD');
  await commit(repository, { 'a.txt': 'a' });
  const moved = await scan(project, { ref: 'main', commit_sha: old.slice(0, 10) });
  assert.is(moved.code, 'git-commit-not-found');
  assert.match(String(moved.message), /points at/);
  assert.is((await scanUrl(at('no-such'))).code, 'git-repository-not-found');
  assert.is((await scanUrl(at('gone'), {}, { default_branch: 'master' })).code, 'git-ref-not-found');
  git(root, 'init', '-q', '--bare', 'empty.git');
  assert.is((await scanUrl(at('empty.git'))).code, 'git-ref-not-found');
});
withGit('a private repository needs its credential, which is shown nowhere and goes to no other server', async () => {
  await newRepository(root, 'private/app', { 'package-lock.json': npmLock('lodash@4.17.20') });
  const without = await scanUrl(at('private/app'));
  assert.equal([without.status, without.code], ['failed', 'git-authentication']);
  assert.is((await scanUrl(at('private/app'), {}, { git_credential: 'wrong-t0p-secret' })).code, 'git-authentication');
  const project = await newProject(admin, { git_url: at('private/app'), git_credential: 't0p-secret-token' });
  assert.equal((await scan(project)).purls, ['pkg:npm/lodash@4.17.20']);
  assert.equal((await scanUrl(`https://${LOGIN}@localhost:${https.port}/private/app`)).status, 'succeeded');
  const rows = await sql<{ text: string }>`SELECT (SELECT string_agg(a::text, ' ') FROM audit_log a) || (SELECT string_agg(p::text, ' ') FROM projects p) || (SELECT string_agg(s::text, ' ') FROM scans s) AS text`.execute(database.db);
  assert.not.ok(rows.rows[0]?.text.includes('t0p-secret'), 'a credential is in the database in the clear');

  const shown = await admin.expect(200, 'updateProject', { path: { id: project }, json: { git_url: at('private/app.git') }, headers: { 'If-Match': '1' } });
  assert.is(member(shown.body, 'has_git_credential'), true);
  const moved = await admin.expect(200, 'updateProject', { path: { id: project }, json: { git_url: 'https://elsewhere.example/private/app' }, headers: { 'If-Match': '2' } });
  assert.is(member(moved.body, 'has_git_credential'), false);
});
withGit('git:// and ssh are fetched by the address that was found, ssh with its own key and nothing of the machine', async () => {
  await newRepository(root, 'plain', { 'go.mod': 'module x\ngo 1.20\nrequire golang.org/x/text v0.3.5\n' });
  assert.equal((await scanUrl(`git://localhost:${daemonPort}/plain`)).purls, ['pkg:golang/golang.org/x/text@v0.3.5']);
  const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----';
  for (const url of ['ssh://git@localhost:2222/plain', 'git@localhost:plain']) {
    await writeFile(sshLog, '');
    const { status, message, purls } = await scanUrl(url, {}, { git_credential: key });
    assert.is(status, 'succeeded', String(message));
    assert.equal(purls, ['pkg:golang/golang.org/x/text@v0.3.5']);
    const called = await readFile(sshLog, 'utf8');
    assert.match(called, /HostName=(127\.0\.0\.1|::1)\n/);
    assert.match(called, url.includes('2222') ? /HostKeyAlias=\[localhost\]:2222\n/ : /HostKeyAlias=localhost\n/);
    assert.match(called, /^-rw------- /m);
    assert.ok(called.includes(`${key}\n`));
    for (const option of ['-F\n/dev/null', 'BatchMode=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none', 'StrictHostKeyChecking=accept-new', 'ProxyCommand=none']) assert.ok(called.includes(option), option);
  }
  assert.is((await scanUrl('ssh://git@localhost/plain', {}, { git_credential: 'token' })).code, 'git-credential-unfit');
  assert.is((await scanUrl(at('plain'), {}, { git_credential: key })).code, 'git-credential-unfit');
});
withGit('links, hooks, submodules, LFS pointers and odd names of a repository do nothing', async () => {
  const marker = path.join(root, 'pwned');
  const repository = await newRepository(root, 'hostile', {
    'package-lock.json': npmLock('lodash@4.17.20'), 'yarn.lock': '-> /etc/passwd', 'deep/requirements.txt': '-> ../../../../../../etc/hosts', 'folder': '-> ..',
    'hooks/post-checkout': `#!/bin/sh\ntouch ${marker}\n`, '.githooks/reference-transaction': `#!/bin/sh\ntouch ${marker}\n`,
    '.gitattributes': '* filter=evil\n*.json filter=lfs\n', '.lfsconfig': '[lfs]\n\turl = http://127.0.0.1:1/\n', 'Cargo.lock': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n',
    '-rf/poetry.lock': 'nonsense', 'a\nb/Pipfile.lock': '{"default":{"flask":{"version":"==2.0.1"}}}',
  });
  git(repository, 'update-index', '--add', '--cacheinfo', `160000,${git(repository, 'rev-parse', 'HEAD')},sub`);
  git(repository, 'commit', '-qm', 'submodule');
  const { status, purls, warnings, message } = await scanUrl(at('hostile'));
  assert.is(status, 'succeeded', String(message));
  assert.equal(purls, ['pkg:npm/lodash@4.17.20', 'pkg:pypi/flask@2.0.1']);
  assert.match(JSON.stringify(warnings), /sub is a submodule/);
  assert.not.ok((await readdir(root)).includes('pwned'));
});
withGit('what is too large is cut off by the kernel, and leaves nothing', async () => {
  await newRepository(root, 'huge', { 'package-lock.json': npmLock('lodash@4.17.20'), 'video.bin': crypto.getRandomValues(new Uint8Array(65_536)), ...Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`part${index}.bin`, crypto.getRandomValues(new Uint8Array(65_536))])) });
  const { id, status, code, message } = await scanUrl(at('huge'));
  assert.equal([status, code], ['failed', 'git-too-large'], String(message));
  assert.is((await scanUrl(at('lines'))).status, 'succeeded'); // one scan at a time: the one before has tidied up by now
  assert.not.ok((await readdir(path.join(dataDir, 'workspace'))).some((name) => name.startsWith(id)));
});
withGit('hostile URLs are refused when they are set', async () => {
  for (const url of ['ext::sh -c touch% /tmp/pwned', 'file:///etc', '/etc', '../x', '--upload-pack=touch /tmp/x', 'https://127.0.0.1/x', 'https://2130706433/x', 'https://[::1]/x', 'https://169.254.169.254/latest/', 'https://[::ffff:10.0.0.1]/x', 'ssh://git@10.0.0.1/x', 'git@192.168.0.1:x', 'git://[fe80::1]/x', 'http://localhost/x', 'https://sub.localhost/x', 'https://0x7f000001/x', 'https://017700000001/x', 'https://127.1/x', 'https://[64:ff9b::a9fe:a9fe]/x', 'https://[fd00:ec2::254]/x', 'https://100.100.100.200/x', 'https://168.63.129.16/x', 'https://0.0.0.0/x', 'ssh://-oProxyCommand=id/x', 'ext::ssh://a', 'https://user@-x/']) {
    await admin.refused('unsupported-git-url', 'createProject', { json: { name: 'x', git_url: url } });
  }
});
withGit('hostile URLs that got into the database are refused when they are fetched', async () => {
  const cases: [string, string][] = [
    ['ext::sh -c id', 'git-url-refused'], ['file:///etc', 'git-url-refused'], ['--upload-pack=id', 'git-url-refused'], ['/etc', 'git-url-refused'], [`ssh://-oProxyCommand=id/x`, 'git-url-refused'], ['ssh://-oX@localhost/x', 'git-url-refused'], ['git@localhost:-x', 'git-url-refused'],
    ['https://169.254.169.254/x', 'git-address-refused'], ['https://127.0.0.1/x', 'git-address-refused'], ['ssh://git@0x7f.1/x', 'git-address-refused'], ['git://2130706433/x', 'git-address-refused'], ['https://[::ffff:127.0.0.1]/x', 'git-address-refused'], ['https://[64:ff9b::7f00:1]/x', 'git-address-refused'], ['ssh://git@017700000001/x', 'git-address-refused'], ['git@127.1:x', 'git-address-refused'], ['git@169.254.169.254:x', 'git-address-refused'], ['git://[fe80::1]/x', 'git-address-refused'],
    ['https://ip6-localhost.invalid/x', 'git-unreachable'],
  ];
  const before = https.requests.length;
  for (const [url, code] of cases) {
    const project = await newProject(admin);
    await sql`UPDATE projects SET git_url = ${url} WHERE id = ${project}`.execute(database.db);
    assert.is((await scan(project)).code, code, url);
  }
  assert.is(https.requests.length, before);
});
withGit('a redirect is not followed, wherever it leads', async () => {
  const target = Buffer.from(`127.0.0.1:${https.port}`).toString('hex');
  const { code, status } = await scanUrl(at(`redirect/${target}/lines`), {}, { git_credential: 't0p-secret-token' });
  assert.equal([status, code], ['failed', 'git-redirect']);
  assert.equal(https.requests.filter((request) => request.path.startsWith('/lines/') && request.authorization?.includes('dG9w')), []);
});
withGit('refs that are none, or options, are refused', async () => {
  const project = await newProject(admin, { git_url: at('lines') });
  for (const ref of ['--upload-pack=id', '-x', 'a:b', 'a..b', 'a~1', 'a^', 'x.lock', 'a//b', '.a', 'a*']) await admin.refused('validation-failed', 'createScan', { path: { id: project }, json: { ref } });
});
withGit('a cancelled scan ends git within a second', async () => {
  const asked = new Promise<void>((resolve) => { hang.begin = resolve; });
  const project = await newProject(admin, { git_url: at('hang') });
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, json: {} });
  await asked;
  const id = String(member(body, 'id'));
  const workspace = path.join(dataDir, 'workspace', `${id}-1`);
  assert.ok((await processesIn(workspace)).length > 0);
  await admin.expect(200, 'cancelAdminScan', { path: { scan_id: id } });
  const since = Date.now();
  while ((await processesIn(workspace)).length > 0) {
    assert.ok(Date.now() - since < 1000, 'git still runs a second after the cancel');
    await new Promise((resolve) => setImmediate(resolve));
  }
});
sources('without git the kind is not available, and the answer says so', async () => {
  const project = await newProject(admin, { git_url: 'https://git.example.com/a.git' });
  const all = process.env['PATH'];
  process.env['PATH'] = '/nonexistent';
  try {
    const { detail } = await admin.refused('scan-kind-unavailable', 'createScan', { path: { id: project }, json: {} });
    assert.match(String(detail), /git is not installed/);
  } finally {
    process.env['PATH'] = all;
  }
});

/** The command line against a real portal: what is sent, what is shown in each format, and what the exit code says. */
import * as assert from 'uvu/assert';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { importFiles, osv } from '../support/advisories.ts';
import { issueKey } from '../support/api-keys.ts';
import { ended, runCli, SLOW, toldWhy, type Ran } from '../support/cli.ts';
import { startCodeHost } from '../support/code-host.ts';
import { member } from '../support/contract.ts';
import { cycloneDx } from '../support/fixtures.ts';
import { GIT, git, newRepository, npmLock, tempFolder } from '../support/git.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan } from '../support/scans.ts';
import { startStumblingProxy } from '../support/stumbling-proxy.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: 'localhost,127.0.0.1' });
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, { ...osv({ id: 'GHSA-c1', aliases: ['CVE-2024-7001'], name: 'alpha', cvss: CRITICAL, fixed: '2.0.0' }), summary: 'Alpha <breaks> & "more"' });
const root = await tempFolder();
const key = await issueKey(admin, { scope: 'org', allowed_actions: ['scan:trigger', 'scan:read', 'project:read', 'report:download'] });
const ENV = { PORTAL_URL: portal.url, PORTAL_API_KEY: key.text };

const bad = path.join(root, 'bad.cdx.json');
await writeFile(bad, cycloneDx([{ purl: 'pkg:npm/alpha@1.0.0', license: 'MIT' }, { purl: 'pkg:npm/copyleft@1.0.0', license: 'AGPL-3.0-only' }]));
const good = path.join(root, 'good.cdx.json');
await writeFile(good, cycloneDx([{ purl: 'pkg:npm/beta@1.0.0', license: 'MIT' }]));
const mystery = path.join(root, 'mystery.cdx.json');
await writeFile(mystery, cycloneDx([{ purl: 'pkg:npm/mystery@1.0.0' }]));

const slugOf = async (id: string): Promise<string> => String(member((await admin.expect(200, 'getProject', { path: { id } })).body, 'slug'));
const scanOf = async (project: string): Promise<unknown> => member((await admin.expect(200, 'listProjectScans', { path: { id: project } })).body, 'items', 0);
/** Runs it for a project. */
const cli = (project: string, args: readonly string[], env: Record<string, string> = {}, cwd = root): Promise<Ran> => runCli(args, { ...ENV, PORTAL_PROJECT: project, ...env }, { cwd });

const scan = suite('portal scan');
const withGit = GIT ? scan : scan.skip;
withGit('sends a folder as git knows it, with branch and commit, and passes', async () => {
  const id = await newProject(admin);
  const folder = await newRepository(root, 'repository', { 'package-lock.json': npmLock('beta@1.0.0'), '.gitignore': 'ignored/\n', 'a b/größe.txt': 'x', link: '-> package-lock.json', 'empty.txt': '' });
  await mkdir(path.join(folder, 'ignored'));
  await writeFile(path.join(folder, 'ignored/package-lock.json'), npmLock('alpha@1.0.0'));
  await mkdir(path.join(folder, 'new'));
  await writeFile(path.join(folder, 'new/package-lock.json'), npmLock('gamma@1.0.0'));
  const temporary = await mkdtemp(path.join(root, 'tmp-'));
  const { stdout, stderr } = ended(await cli(await slugOf(id), ['scan'], { TMPDIR: temporary }, folder), 0);
  assert.match(stdout, /^Gate PASS: Project .* main at [\da-f]{12}$/m);
  assert.match(stdout, new RegExp(`Details: ${portal.url}/projects/${id}/scans/`));
  assert.match(stderr, /Packed 5 files, .*; 1 links .* passed over\.[\s\S]*100 % succeeded/);
  const found = await scanOf(id);
  assert.equal([member(found, 'kind'), member(found, 'ref'), member(found, 'commit_sha'), member(found, 'source_format'), member(found, 'component_count')], ['source', 'main', git(folder, 'rev-parse', 'HEAD'), 'tar.gz', 2]);
  assert.equal(await readdir(temporary), [], 'the packed source is gone');
}, SLOW);
scan('sends a folder without git, but for what packages brought along', async () => {
  const id = await newProject(admin);
  const folder = path.join(root, 'plain');
  await mkdir(path.join(folder, 'node_modules/alpha'), { recursive: true });
  await writeFile(path.join(folder, 'node_modules/alpha/package-lock.json'), npmLock('alpha@1.0.0'));
  await writeFile(path.join(folder, 'package-lock.json'), npmLock('beta@1.0.0'));
  ended(await cli(id, ['scan', folder, '--ref', 'release/1', '--commit', 'ABCDEF1']), 0);
  const found = await scanOf(id);
  assert.equal([member(found, 'ref'), member(found, 'commit_sha'), member(found, 'component_count')], ['release/1', 'abcdef1', 1]);
}, SLOW);
scan('fails with the gate, and says why: rules, counts, the most urgent findings, where to read on', async () => {
  const id = await newProject(admin);
  const { stdout } = ended(await cli(id, ['scan', bad]), 1);
  assert.match(stdout, /^Gate FAIL: /m);
  assert.match(stdout, /^FAIL +severity +1 +1 vulnerability of severity critical open$/m);
  assert.match(stdout, /^FAIL +forbidden_license +1 +.*: copyleft 1\.0\.0 \(AGPL-3\.0-only\)$/m);
  assert.match(stdout, /^Open findings +critical 1, high 0/m);
  assert.match(stdout, /^ {2}CRITICAL +CVE-2024-7001 +alpha 1\.0\.0 +fixed in 2\.0\.0$/m);
}, SLOW);
scan('warns with 0, and with --warn-as-error with 1', async () => {
  const id = await newProject(admin, { gate: { unknown_license: 'warn' } });
  assert.match(ended(await cli(id, ['scan', mystery]), 0).stdout, /^Gate WARN[\s\S]*^WARN +unknown_license +1 .*mystery 1\.0\.0 \(no licence known\)/m);
  const junit = path.join(root, 'warn.xml');
  ended(await cli(id, ['gate', '--warn-as-error', '--format', 'junit', '--output', junit]), 1);
  assert.match(await readFile(junit, 'utf8'), /<testcase classname="gate" name="unknown_license"><failure /);
  ended(await cli(id, ['gate', '--format', 'junit', '--output', junit]), 0);
  assert.match(await readFile(junit, 'utf8'), /name="unknown_license"><system-out>warning: /);
}, SLOW);
scan('json, sarif and junit go to standard output alone, or to a file beside the table', async () => {
  const id = await newProject(admin);
  const json: unknown = JSON.parse(ended(await cli(id, ['scan', bad, '--format', 'json']), 1).stdout);
  assert.equal([member(json, 'gate', 'gate'), member(json, 'reasons', 0, 'offenders', 0, 'title'), member(json, 'project', 'id'), member(json, 'scan', 'status')], ['fail', 'CVE-2024-7001', id, 'succeeded']);
  const sarif: unknown = JSON.parse(ended(await cli(id, ['gate', '--format', 'sarif']), 1).stdout);
  assert.equal([member(sarif, 'version'), member(sarif, 'runs', 0, 'results', 0, 'ruleId')], ['2.1.0', 'CVE-2024-7001']);
  const file = path.join(root, 'junit.xml');
  assert.match(ended(await cli(id, ['gate', '--format', 'junit', '--output', file]), 1).stdout, /^Gate FAIL/);
  const junit = await readFile(file, 'utf8');
  assert.match(junit, /<testsuites name="[^"]+" tests="10" failures="4" errors="0" skipped="\d"/);
  assert.match(junit, /<testcase classname="gate.severity" name="CVE-2024-7001 in alpha 1.0.0"><failure [^>]*>pkg:npm\/alpha@1.0.0&#10;Severity: critical.&#10;Upgrade to 2.0.0 or later.&#10;Alpha &lt;breaks&gt; &amp; &quot;more&quot;<\/failure>/);
}, SLOW);
scan('takes ref and commit from CI, and comments on the request of the job', async () => {
  const id = await newProject(admin, { git_url: 'https://localhost/acme/shop.git' });
  const host = await startCodeHost('github', 'acme/shop', 7, 'a-token');
  await admin.expect(200, 'replaceProjectCodeHost', { path: { id }, json: { kind: 'github', api_url: host.url, token: 'a-token' } });
  const event = path.join(root, 'event.json');
  await writeFile(event, JSON.stringify({ pull_request: { head: { sha: 'b'.repeat(40) } } }));
  const github = { CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_REF: 'refs/pull/7/merge', GITHUB_SHA: 'a'.repeat(40), GITHUB_REPOSITORY: 'acme/shop', GITHUB_EVENT_PATH: event };
  const { stderr } = ended(await cli(id, ['scan', bad, '--pr-comment', 'auto'], github), 1);
  assert.match(stderr, /^Commented on acme\/shop 7: http/m, stderr);
  assert.match([...host.comments.values()].join(), /Gate failed[\s\S]*CVE-2024-7001/);
  assert.equal([member(await scanOf(id), 'ref'), member(await scanOf(id), 'commit_sha')], ['pr-7', 'b'.repeat(40)]);
  host.failures.push({ status: 401 }, { status: 401 }, { status: 401 });
  assert.match(ended(await cli(id, ['scan', good, '--pr-comment', '7'], github), 0).stderr, /^warning: no comment on acme\/shop 7: /m);
}, SLOW);
scan('waits for a scan of the same ref that runs; with --no-wait for nothing', async () => {
  const id = await newProject(admin);
  const active = await queuedScan(database, id, 'main');
  const refused = ended(await cli(id, ['scan', good, '--ref', 'main', '--no-wait']), 2);
  assert.match(refused.stderr, /A scan of this ref is running/);
  let noticed = false;
  const waiting = runCli(['scan', good, '--ref', 'main'], { ...ENV, PORTAL_PROJECT: id }, { onError: (piece) => {
    if (noticed || !piece.includes(`Scan ${active} of the same ref is running`)) return;
    noticed = true;
    void sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE id = ${active}`.execute(database.db);
  } });
  ended(await waiting, 0);
  assert.ok(noticed);
  const { stdout } = ended(await cli(id, ['scan', good, '--ref', 'main', '--no-wait']), 0);
  assert.is(stdout.trim(), String(member(await scanOf(id), 'id')));
}, SLOW);
scan('gets through answers of 503 and connections that break', async () => {
  const id = await newProject(admin);
  const proxy = await startStumblingProxy(portal.port);
  proxy.stumble(`/v1/projects/${id}/scans`, { answer: 503, headers: { 'Retry-After': '0' } }, 'break-after');
  ended(await cli(id, ['scan', good], { PORTAL_URL: proxy.url }), 0);
  assert.is(member((await admin.expect(200, 'listProjectScans', { path: { id } })).body, 'total'), 1);
}, SLOW);

const others = suite('portal sbom, notice, --help, --version');
others('documents go to standard output or a file', async () => {
  const id = await newProject(admin);
  ended(await cli(id, ['scan', bad]), 1);
  assert.is(member(JSON.parse(ended(await cli(id, ['sbom']), 0).stdout), 'bomFormat'), 'CycloneDX');
  const file = path.join(root, 'sbom.spdx');
  assert.is(ended(await cli(id, ['sbom', '--format', 'spdx-tv', '--output', file]), 0).stdout, '');
  assert.match(await readFile(file, 'utf8'), /^SPDXVersion: SPDX-2\.3/);
  assert.match(ended(await cli(id, ['notice', '--format', 'markdown']), 0).stdout, /copyleft/);
  toldWhy(await cli(id, ['sbom', '--output', path.join(root, 'no/such/folder')]), /cannot be written/);
}, SLOW);
others('help names each command and option, and needs no portal', async () => {
  const help = ended(await runCli(['--help'], {}), 0).stdout;
  for (const command of ['scan', 'gate', 'sbom', 'notice']) assert.match(help, new RegExp(`portal ${command} `));
  assert.match(ended(await runCli(['scan', '--help'], {}), 0).stdout, /--warn-as-error[\s\S]*Exit codes: 0/);
  assert.match(ended(await runCli(['--version'], {}), 0).stdout, /^\d+\.\d+\.\d+\n$/);
}, SLOW);

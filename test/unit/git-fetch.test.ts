/** The pinned address, and the leash of child processes: what cannot be shown through the API of a portal whose DNS is the machine's. */
import * as assert from 'uvu/assert';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { createAddressGuard } from '../../src/integrations/addresses.ts';
import { OutputTooLarge, runBounded } from '../../src/integrations/bounded-process.ts';
import { fetchGit, isRefName, type GitRequest } from '../../src/integrations/git.ts';
import { faultOf, GitFault } from '../../src/integrations/git-faults.ts';
import { GIT, newRepository, npmLock, serveHttps, tempFolder } from '../support/git.ts';
import { suite } from '../support/suite.ts';

const HOST = 'git.pinned.test'; // .test is in no DNS
const root = await tempFolder();
const server = GIT ? await serveHttps(root, 'a:b', [HOST]) : { port: 1, caFile: '/none', requests: [] };

const pinned = suite('fetchGit');
const withGit = GIT ? pinned : pinned.skip;
withGit('connects to the address that was judged and asks no name service again', async () => {
  await newRepository(root, 'app', { 'package-lock.json': npmLock('lodash@4.17.20'), 'README.md': 'x' });
  const answers = ['127.0.0.1', '10.255.255.1']; // a name that changes its mind
  let asked = 0;
  const guard = createAddressGuard([HOST], () => Promise.resolve([{ address: answers[asked++] ?? '', family: 4 }]));
  const source = await fetchGit(await request({ guard }));
  assert.match(source.commit, /^[0-9a-f]{40}$/);
  const { files } = await source.read((name) => name.endsWith('.json'));
  assert.equal(files.map((file) => [file.path, file.data.toString()]), [['package-lock.json', npmLock('lodash@4.17.20')]]);
  assert.is(asked, 1);
});
withGit('a time limit of its own ends it', async () => {
  const guard = createAddressGuard([HOST], () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]));
  const error = await fetchGit(await request({ guard, url: `https://${HOST}:${server.port}/hang` }, 300)).catch((reason: unknown) => reason);
  assert.ok(error instanceof GitFault && error.code === 'git-timeout', String(error));
});

async function request(fields: Pick<GitRequest, 'guard'> & Partial<GitRequest>, timeoutMs = 20_000): Promise<GitRequest> {
  return {
    url: `https://${HOST}:${server.port}/app`, credential: null, refs: ['HEAD'], commit: null, workspace: await mkdtemp(path.join(root, 'work-')), caFile: server.caFile, knownHosts: null,
    hostsFile: path.join(root, 'known_hosts'), signal: new AbortController().signal, limits: { packBytes: 1e7, fileBytes: 1e6, wantedBytes: 1e6, entries: 1000, timeoutMs }, ...fields,
  };
}

const names = suite('isRefName');
names('takes what git takes, and no option', () => {
  for (const good of ['main', 'a/b', 'v1.0', 'refs/tags/v1', 'feature/äö', 'a@b', 'pr-7']) assert.ok(isRefName(good), good);
  for (const bad of ['', '@', '-a', 'a b', 'a..b', 'a:b', 'a?', 'a*', 'a[', 'a\\b', '/a', 'a/', 'a//b', '.a', 'a/.b', 'a.', 'a.lock', 'a.lock/b', 'a@{1}', 'a\u0001', 'a^', 'a~']) assert.not.ok(isRefName(bad), bad);
});

const faults = suite('faultOf');
faults('shows neither credentials nor control characters of a server', () => {
  const { message } = faultOf('remote: \u001b[31mhi\nfatal: odd https://user:secret@host/x Authorization: Basic c2VjcmV0\u0007\n');
  assert.not.match(message, /secret|c2VjcmV0|[\u0000-\u001f]/);
});

const leash = suite('runBounded');
const limits = { memoryBytes: 1024 ** 3, fileBytes: 4096, outputBytes: 10_000 };
const options = (signal = new AbortController().signal) => ({ env: { PATH: process.env['PATH'] ?? '' }, cwd: root, signal, limits });
leash('gives status and output, and says 127 for what is not installed', async () => {
  const { status, stdout, stderr } = await runBounded('sh', ['-c', 'cat; echo err >&2; exit 3'], { ...options(), input: 'in' });
  assert.equal([status, stdout.toString(), stderr], [3, 'in', 'err\n']);
  assert.is((await runBounded('no-such-program', [], options())).status, 127);
});
leash('cuts what writes too much, to its output or a file', async () => {
  assert.ok((await runBounded('sh', ['-c', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done'], options()).catch((error: unknown) => error)) instanceof OutputTooLarge);
  const { status } = await runBounded('sh', ['-c', 'exec head -c 100000 /dev/zero >big'], options());
  assert.is.not(status, 0);
});
leash('ends the whole group at an abort', async () => {
  const controller = new AbortController();
  const run = runBounded('sh', ['-c', 'sleep 600 & sleep 600'], options(controller.signal)).catch((error: unknown) => error);
  controller.abort(new Error('enough'));
  assert.match(String(await run), /enough/);
});
leash('ends the child when its worker is killed', async () => {
  const module = new URL('../../src/integrations/bounded-process.ts', import.meta.url).href;
  const script = `import { runBounded } from ${JSON.stringify(module)};
    const run = runBounded('sh', ['-c', 'echo $$ >pid.part; mv pid.part pid; exec sleep 600'], { env: { PATH: process.env.PATH }, cwd: ${JSON.stringify(root)}, signal: new AbortController().signal, limits: ${JSON.stringify(limits)} });
    const { watch, existsSync } = await import('node:fs'); const seen = () => { if (existsSync('pid')) console.log('ready'); }; watch('.', seen); seen(); await run;`;
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => worker.stdout.once('data', resolve));
  worker.kill('SIGKILL');
  const pid = await new Promise<string>((resolve) => execFile('cat', [path.join(root, 'pid')], (_error, stdout) => resolve(stdout.trim())));
  const alive = (): boolean => { try { return process.kill(Number(pid), 0); } catch { return false; } };
  const since = Date.now();
  while (alive()) {
    assert.ok(Date.now() - since < 5000, 'the child outlived its worker');
    await new Promise((resolve) => setImmediate(resolve));
  }
});

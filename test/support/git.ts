/** Small repositories, and servers for them: git http-backend behind https, and git daemon. Loopback only; all of it ends with the test file. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selfSigned } from './certificate.ts';
import { atEnd } from './suite.ts';

/** Without git these tests cannot run; they count as skipped, and say so. */
export const GIT = spawnSync('git', ['--version']).status === 0;
if (!GIT) console.log('git is not installed here: the tests that need it are skipped.');

const IDENTITY = { GIT_AUTHOR_NAME: 'T', GIT_AUTHOR_EMAIL: 't@example.com', GIT_COMMITTER_NAME: 'T', GIT_COMMITTER_EMAIL: 't@example.com', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

export function git(folder: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...IDENTITY } }).trim();
}

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sca-portal-git-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A package-lock.json of these direct dependencies, each `name@version`. */
export const npmLock = (...packages: string[]): string =>
  JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries<unknown>([['', { dependencies: Object.fromEntries(packages.map((name): [string, string] => [name.split('@')[0] ?? '', '*'])) }], ...packages.map((one): [string, unknown] => [`node_modules/${one.split('@')[0] ?? ''}`, { version: one.split('@')[1] }])]) });

/** Commits these files; a value of `-> target` is a symbolic link. Returns the commit. */
export async function commit(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    const target = typeof content === 'string' ? /^-> (.*)$/.exec(content)?.[1] : undefined;
    await (target === undefined ? writeFile(file, content) : symlink(target, file));
  }
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'change');
  return git(folder, 'rev-parse', 'HEAD');
}

export async function newRepository(root: string, name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = path.join(root, name);
  await mkdir(folder, { recursive: true });
  git(folder, 'init', '-q', '-b', 'main');
  await commit(folder, files);
  return folder;
}

export interface GitServer {
  port: number;
  /** PEM file of its certificate. */
  caFile: string;
  /** Paths that were asked for, with the Authorization that came. */
  requests: { path: string; authorization: string | undefined }[];
}

/** https on loopback; below /private it wants `login`, /redirect/ leads elsewhere, /hang never answers. */
export async function serveHttps(root: string, login: string, hosts: readonly string[], onHang: () => void = () => undefined): Promise<GitServer> {
  const { key, cert } = selfSigned(hosts);
  const caFile = path.join(await tempFolder(), 'ca.pem');
  await writeFile(caFile, cert);
  const requests: GitServer['requests'] = [];
  const server = createServer({ key, cert }, (request, response) => {
    const url = request.url ?? '/';
    const { authorization } = request.headers;
    requests.push({ path: url, authorization });
    if (url.startsWith('/hang')) onHang();
    else if (url.startsWith('/redirect/')) response.writeHead(302, { Location: `https://${Buffer.from(url.split('/')[2] ?? '', 'hex').toString()}${url.slice(url.indexOf('/', 10))}` }).end();
    else if (url.startsWith('/private') && authorization !== `Basic ${Buffer.from(login).toString('base64')}`) response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
    else backend(root, request, response);
  });
  await listening(server);
  return { port: portOf(server), caFile, requests };
}

function portOf(server: { address: () => AddressInfo | string | null }): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
}

/** CGI, as far as git needs it. */
function backend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      ...process.env, ...IDENTITY, GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: url.pathname, QUERY_STRING: url.search.slice(1), REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '', GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''), HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const answer = Buffer.concat(chunks);
    const end = answer.indexOf('\r\n\r\n');
    const headers = Object.fromEntries(answer.subarray(0, end).toString().split('\r\n').map((line) => line.split(/:\s*/, 2)).map(([name = '', value = '']) => [name, value]));
    response.writeHead(Number((headers['Status'] ?? '200').slice(0, 3)), headers).end(answer.subarray(end + 4));
  });
}

/** git daemon over all repositories below `root`. */
export async function serveDaemon(root: string): Promise<number> {
  const probe = createPlainServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const port = portOf(probe);
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn('git', ['daemon', '--verbose', '--export-all', '--reuseaddr', `--base-path=${root}`, '--listen=127.0.0.1', `--port=${port}`, root], {
    env: { ...process.env, ...IDENTITY, GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' }, stdio: ['ignore', 'ignore', 'pipe'], detached: true,
  });
  atEnd(() => new Promise((resolve) => {
    child.once('close', resolve);
    process.kill(-(child.pid ?? 0), 'SIGKILL'); // the daemon is a child of `git`
  }));
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Ready to rumble')) resolve();
    });
    child.once('exit', () => reject(new Error('git daemon ended')));
  });
  return port;
}

/** A git URL taken apart, and how git is told to reach it: by addresses that were checked, with a credential that stands on no command line. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { inheritedEnvironment } from '../config.ts';
import type { ResolvedAddress } from './addresses.ts';
import { GitFault } from './git-faults.ts';

export interface Remote {
  scheme: 'https' | 'ssh' | 'git';
  /** Without brackets. */
  host: string;
  /** 0 where the scheme's own is meant. */
  port: number;
  user: string;
  /** As it stands in the URL; of `git@host:path` the part behind the colon. */
  path: string;
  isScpLike: boolean;
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;
const USER = /^[a-z0-9_][a-z0-9_.-]*$/i;
const SCP_LIKE = /^([^@:/\s]+)@([^:/\s]+):(?!\/\/)([^\s]+)$/;

/** Throws GitFault. Checked here again, whatever was stored: this is what the program gets to see. */
export function parseRemote(text: string): Remote {
  const refuse = (): GitFault => new GitFault('git-url-refused', 'The git_url is not one that is fetched: https://host/path, ssh://host/path, git@host:path or git://host/path.');
  const [, scpUser, scpHost, scpPath] = SCP_LIKE.exec(text) ?? [];
  if (scpUser !== undefined && scpHost !== undefined && scpPath !== undefined) {
    if (!USER.test(scpUser) || !HOST.test(scpHost) || scpPath.startsWith('-')) throw refuse();
    return { scheme: 'ssh', host: scpHost, port: 0, user: scpUser, path: scpPath, isScpLike: true };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  const scheme = url === null ? undefined : ({ 'https:': 'https', 'ssh:': 'ssh', 'git+ssh:': 'ssh', 'git:': 'git' } as const)[url.protocol];
  if (url === null || scheme === undefined) throw refuse();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if ((!HOST.test(host) && isIP(host) !== 6) || (url.username !== '' && !USER.test(url.username)) || url.password !== '') throw refuse();
  return { scheme, host, port: Number(url.port), user: url.username, path: `${url.pathname}${url.search}`, isScpLike: false };
}

/** What git is called with: the URL, and the environment that belongs to it. */
export interface Access {
  url: string;
  env: Record<string, string>;
}

export interface AccessOptions {
  credential: string | null;
  /** The scan's own folder; the key lies there while git runs. */
  workspace: string;
  /** PEM bundle; null: the machine's. */
  caFile: string | null;
  /** Known hosts that an operator keeps; null: `hostsFile`, to which new hosts are added. */
  knownHosts: string | null;
  hostsFile: string;
}

const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);
const isPrivateKey = (credential: string): boolean => credential.trimStart().startsWith('-----BEGIN ');

/** Throws GitFault where the credential does not fit the URL. */
export async function accessTo(remote: Remote, addresses: readonly ResolvedAddress[], options: AccessOptions): Promise<Access> {
  const first = addresses[0]?.address ?? '';
  const port = remote.port === 0 ? '' : `:${remote.port}`;
  if (remote.scheme === 'https') return { url: `https://${inUrl(remote.host)}${port}${remote.path}`, env: configuration(httpsSettings(remote, addresses, options)) };
  if (remote.scheme === 'git') {
    return { url: `git://${inUrl(first)}${port}${remote.path}`, env: { ...configuration([]), GIT_OVERRIDE_VIRTUAL_HOST: `${inUrl(remote.host)}${port}` } };
  }
  const user = remote.user === '' ? 'git' : remote.user;
  const url = remote.isScpLike ? `${user}@${remote.host}:${remote.path}` : `ssh://${user}@${inUrl(remote.host)}${port}${remote.path}`;
  return { url, env: { ...configuration([]), GIT_SSH_VARIANT: 'ssh', GIT_SSH_COMMAND: (await sshCommand(remote, first, options)).map(quote).join(' ') } };
}

function httpsSettings(remote: Remote, addresses: readonly ResolvedAddress[], { credential, caFile }: AccessOptions): [string, string][] {
  const settings: [string, string][] = [];
  if (isIP(remote.host) === 0) settings.push(['http.curloptResolve', `${remote.host}:${remote.port === 0 ? 443 : remote.port}:${addresses.map(({ address }) => inUrl(address)).join(',')}`]);
  if (caFile !== null) settings.push(['http.sslCAInfo', caFile]);
  if (credential === null) return settings;
  if (isPrivateKey(credential)) throw new GitFault('git-credential-unfit', 'The git_credential is a private key, but the git_url is https, which takes a token or user:password.');
  const login = credential.includes(':') ? credential : `${tokenUser(remote.host)}:${credential}`;
  return [...settings, ['http.extraHeader', `Authorization: Basic ${Buffer.from(login, 'utf8').toString('base64')}`]];
}

/** The user name that goes with a bare token. GitHub and most others take any; these two do not. */
function tokenUser(host: string): string {
  if (/(^|\.)bitbucket\.org$/i.test(host)) return 'x-token-auth';
  return /gitlab/i.test(host) ? 'oauth2' : 'x-access-token';
}

async function sshCommand(remote: Remote, address: string, { credential, workspace, knownHosts, hostsFile }: AccessOptions): Promise<string[]> {
  if (credential !== null && !isPrivateKey(credential)) throw new GitFault('git-credential-unfit', 'The git_url is ssh, which takes a private key (PEM) as git_credential, not a password or token.');
  const key = path.join(workspace, 'ssh-key');
  if (credential !== null) {
    await writeFile(key, `${credential.replaceAll('\r\n', '\n').trim()}\n`, { mode: 0o600 });
    await chmod(key, 0o600); // the umask does not matter
  }
  await mkdir(path.dirname(hostsFile), { recursive: true, mode: 0o700 });
  const options: Record<string, string> = {
    HostName: address, HostKeyAlias: remote.port === 0 || remote.port === 22 ? remote.host : `[${remote.host}]:${remote.port}`,
    BatchMode: 'yes', ConnectTimeout: '20', ServerAliveInterval: '15', ServerAliveCountMax: '4',
    IdentitiesOnly: 'yes', IdentityAgent: 'none', IdentityFile: credential === null ? 'none' : escapePercent(key),
    UserKnownHostsFile: escapePercent(knownHosts ?? hostsFile), GlobalKnownHostsFile: '/dev/null', StrictHostKeyChecking: knownHosts === null ? 'accept-new' : 'yes', UpdateHostKeys: 'no',
    ProxyCommand: 'none', PermitLocalCommand: 'no', ClearAllForwardings: 'yes', ForwardAgent: 'no', ControlMaster: 'no', ControlPath: 'none', CanonicalizeHostname: 'no',
  };
  return ['ssh', '-F', '/dev/null', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${/\s/.test(value) ? `"${value}"` : value}`])];
}

const escapePercent = (file: string): string => file.replaceAll('%', '%%');
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Settings of git that hold for every run; none of the machine's or the user's is read. */
const SETTINGS: readonly [string, string][] = [
  ['protocol.allow', 'never'], ['protocol.https.allow', 'always'], ['protocol.ssh.allow', 'always'], ['protocol.git.allow', 'always'], ['protocol.version', '2'],
  ['http.followRedirects', 'false'], ['http.lowSpeedLimit', '1000'], ['http.lowSpeedTime', '60'], ['http.maxRequests', '2'],
  ['credential.helper', ''], ['core.askPass', ''], ['core.hooksPath', '/dev/null'], ['core.fsmonitor', 'false'], ['core.symlinks', 'false'], ['core.attributesFile', '/dev/null'],
  ['core.bigFileThreshold', '16m'], ['core.packedGitWindowSize', '32m'], ['core.packedGitLimit', '256m'], ['core.deltaBaseCacheLimit', '64m'], ['pack.threads', '1'],
  ['transfer.unpackLimit', '1'], ['transfer.bundleURI', 'false'], ['fetch.recurseSubmodules', 'false'], ['submodule.recurse', 'false'], ['gc.auto', '0'], ['maintenance.auto', 'false'],
];

/** Settings travel in the environment (GIT_CONFIG_COUNT), where `ps` does not show them. */
function configuration(more: readonly [string, string][]): Record<string, string> {
  const pairs = [...SETTINGS, ...more].flatMap(([name, value], index): [string, string][] => [[`GIT_CONFIG_KEY_${index}`, name], [`GIT_CONFIG_VALUE_${index}`, value]]);
  return { GIT_CONFIG_COUNT: String(pairs.length / 2), ...Object.fromEntries(pairs) };
}

/** The environment that every call shares. */
export function gitEnvironment(workspace: string): Record<string, string> {
  return {
    PATH: inheritedEnvironment()['PATH'] ?? '/usr/local/bin:/usr/bin:/bin', HOME: workspace, XDG_CONFIG_HOME: workspace, LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', GIT_ASKPASS: '', SSH_ASKPASS_REQUIRE: 'never',
    GIT_ALLOW_PROTOCOL: 'https:ssh:git', GIT_PROTOCOL_FROM_USER: '0', GIT_NO_LAZY_FETCH: '1', GIT_NO_REPLACE_OBJECTS: '1', GIT_LFS_SKIP_SMUDGE: '1', GIT_CEILING_DIRECTORIES: path.dirname(workspace),
  };
}

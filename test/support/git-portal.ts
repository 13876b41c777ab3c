/** A portal that scans repositories of servers on loopback: https, git:// and ssh, all of the same folder. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { member } from './contract.ts';
import { GIT, serveDaemon, serveHttps, tempFolder, type GitServer } from './git.ts';
import { authFrame, watch } from './live.ts';
import { startTestPortal, type TestPortal } from './portal.ts';
import { newProject } from './scans.ts';

/** What is said of a scan that is over. */
interface Ended {
  id: string;
  status: string;
  code: unknown;
  message: unknown;
  commit: unknown;
  ref: unknown;
  warnings: unknown;
  purls: unknown[];
}

export interface GitPortal extends TestPortal {
  /** Where the repositories are. */
  root: string;
  https: GitServer;
  /** `begin` is called when /hang is asked for. */
  hang: { begin: () => void };
  /** How `ssh` was called, a word a line, and the keys that it was given. */
  sshLog: string;
  daemonPort: number;
  /** The https URL of a repository. */
  at: (name: string) => string;
  dataDir: string;
  scan: (projectId: string, json?: Record<string, unknown>) => Promise<Ended>;
  /** Of a new project. */
  scanUrl: (gitUrl: string, json?: Record<string, unknown>, fields?: Record<string, unknown>) => Promise<Ended>;
}

/** Puts a program `ssh` before the others of this process, which notes how it was called and serves the repository itself. Returns its log. */
async function insteadOfSsh(root: string): Promise<string> {
  const programs = path.join(await tempFolder(), 'bin');
  const log = path.join(programs, 'ssh.log');
  await mkdir(programs);
  await writeFile(path.join(programs, 'ssh'), `#!/bin/sh
for word in "$@"; do echo "$word" >>'${log}'; case "$word" in IdentityFile=/*) ls -l "\${word#*=}" >>'${log}'; cat "\${word#*=}" >>'${log}';; esac; last=$word; done
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
cd '${root}' && eval "exec $(echo "$last" | sed "s|'/|'|")"
`);
  await chmod(path.join(programs, 'ssh'), 0o755);
  process.env['PATH'] = `${programs}:${process.env['PATH'] ?? ''}`;
  return log;
}

/** @param login of what is below /private, in https. @param unseen what no answer on a scan may hold */
export async function startGitPortal(login: string, unseen: string): Promise<GitPortal> {
  const root = await tempFolder();
  const hang = { begin: (): void => undefined };
  const https: GitServer = GIT ? await serveHttps(root, login, ['localhost', '127.0.0.1'], () => hang.begin()) : { port: 1, caFile: '/none', requests: [] };
  const sshLog = await insteadOfSsh(root);
  const daemonPort = GIT ? await serveDaemon(root) : 1;
  const started = await startTestPortal({ ALLOW_PRIVATE_ADDRESSES: 'localhost', GIT_CA_FILE: https.caFile, GIT_MAX_BYTES: String(3 * 1024 * 1024), SCAN_CONCURRENCY: '1' });
  const { portal, admin } = started;

  async function scan(projectId: string, json: Record<string, unknown> = {}): Promise<Ended> {
    const { body: queued } = await admin.expect(202, 'createScan', { path: { id: projectId }, json });
    const id = String(member(queued, 'id'));
    await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''));
    const { body, text } = await admin.expect(200, 'getScan', { path: { id } });
    assert.not.ok(text.includes(unseen), text);
    const components = member((await admin.expect(200, 'listProjectComponents', { path: { id: projectId }, query: { scan_id: id } })).body, 'items');
    return {
      id, status: String(member(body, 'status')), code: member(body, 'error', 'code'), message: member(body, 'error', 'message'), commit: member(body, 'commit_sha'), ref: member(body, 'ref'), warnings: member(body, 'warnings'),
      purls: Array.isArray(components) ? components.filter(isRecord).map((row) => row['purl']).sort() : [],
    };
  }

  return {
    ...started, root, https, hang, sshLog, daemonPort, scan, dataDir: portal.services.config.DATA_DIR,
    at: (name) => `https://localhost:${https.port}/${name}`,
    scanUrl: async (gitUrl, json = {}, fields = {}) => scan(await newProject(admin, { git_url: gitUrl, ...fields }), json),
  };
}

/** Who runs the embedded server: PostgreSQL refuses to run as root, so root hands it to a system user. */
import { spawn } from 'node:child_process';
import type { Log } from '../log.ts';
import { messageOf } from '../../core/values.ts';

export interface Account {
  uid: number;
  gid: number;
}

export interface Outcome {
  /** Exit status; null when a signal ended the program or it could not be run. */
  code: number | null;
  /** Standard output and standard error, as they came. */
  output: string;
}

/** Programs of ours see none of the caller's environment: PGDATA, PGOPTIONS and locales would change what they do. */
export const CLEAN_ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Runs a program to its end, as `account` where there is one. Never throws. */
export function run(program: string, args: readonly string[], { account, input = '' }: { account?: Account | undefined; input?: string } = {}): Promise<Outcome> {
  return new Promise(resolve => {
    const child = spawn(program, args, { cwd: '/', env: CLEAN_ENVIRONMENT, stdio: 'pipe', ...account });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on('error', () => undefined); // it ended without reading: its exit status says why
    child.once('error', error => { resolve({ code: null, output: messageOf(error) }); });
    child.once('close', code => { resolve({ code, output: Buffer.concat(chunks).toString('utf8') }); });
    child.stdin.end(input);
  });
}

const OWN_USER = 'sca-portal';

/** Tried in this order; the commands make OWN_USER on glibc systems and on BusyBox. */
const USER_COMMANDS: readonly (readonly [string, ...string[]])[] = [
  ['useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', OWN_USER],
  ['adduser', '-S', '-D', '-H', '-s', '/sbin/nologin', OWN_USER],
];

/**
 * The user that a new cluster shall belong to; undefined where the server can run as this process does.
 * As root: the system's `postgres` user, else `sca-portal`, which is made if need be, else `nobody`.
 * @throws Error when there is none of them
 */
export async function serverAccount(log: Log): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const found = await lookUp('postgres') ?? await lookUp(OWN_USER);
  if (found) return found;
  for (const [program, ...args] of USER_COMMANDS) {
    const { code } = await run(program, args);
    const made = code === 0 ? await lookUp(OWN_USER) : undefined;
    if (!made) continue;
    log.info(`PostgreSQL does not run as root: made the system user ${OWN_USER} for it.`);
    return made;
  }
  const nobody = await lookUp('nobody');
  if (!nobody) throw new Error(`PostgreSQL does not run as root, and no system user could be made for it: create the user "${OWN_USER}", run the portal as another user, or set DATABASE_URL.`);
  log.warn('PostgreSQL does not run as root and no system user could be made for it: it runs as "nobody".');
  return nobody;
}

async function lookUp(name: string): Promise<Account | undefined> {
  const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
  return uid.code === 0 && gid.code === 0 ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined;
}

/** Whether the account may enter a folder: asked of the system itself, since modes alone say nothing of access lists. */
export async function canEnter(account: Account | undefined, folder: string): Promise<boolean> {
  if (!account) return true;
  return (await run('/bin/sh', ['-c', 'cd "$0"', folder], { account })).code === 0;
}

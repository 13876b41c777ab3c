/** Makes a new cluster beside its place and moves it there whole, so that a killed first start leaves nothing half-made. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Log } from '../log.ts';
import { canEnter, run, type Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import { writeWhole } from './files.ts';
import { outsideFolder } from './outside.ts';
import { isAlive } from './postmaster.ts';
import { errorCode } from '../../core/values.ts';

interface Plan {
  /** DATA_DIR, absolute. */
  folder: string;
  /** DATA_DIR/postgres, which does not exist. */
  place: string;
  account: Account | undefined;
  binaries: Binaries;
  log: Log;
}

const PREFIX = '.postgres-';

/** When another process makes the same cluster at the same time, the first to finish wins and the other's is thrown away. */
export async function makeCluster({ folder, place, account, binaries, log }: Plan): Promise<void> {
  log.info('Preparing the database (first start) ...');
  const inside = await letThrough(account, folder);
  const parent = inside ? folder : await outsideFolder(account, folder);
  await removeLeftovers(parent);
  const draft = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  try {
    await chmod(draft, account ? 0o711 : 0o700); // the server's user passes through to its own folder
    await fill(draft, account, binaries);
    if (inside) {
      await rename(draft, place);
      return;
    }
    const final = join(parent, randomBytes(8).toString('hex'));
    await writeFile(join(draft, 'belongs-to'), `${folder}\n`);
    await rename(draft, final);
    await symlink(final, place).catch(async (error: unknown) => { await rm(final, { recursive: true, force: true }); throw error; });
    log.warn(`The server's user cannot enter ${folder}: the database stands in ${final}.`);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errorCode(error))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** DATA_DIR itself is ours, so its mode may be widened for passing through (not for listing), if that is all it takes. */
async function letThrough(account: Account | undefined, folder: string): Promise<boolean> {
  if (await canEnter(account, folder)) return true;
  const { mode, uid } = await stat(folder);
  if (uid !== process.getuid?.()) return false;
  await chmod(folder, mode | 0o011);
  if (await canEnter(account, folder)) return true;
  await chmod(folder, mode);
  return false;
}

/** initdb, then the portal's role and database, then one flush of it all to disk. */
async function fill(draft: string, account: Account | undefined, binaries: Binaries): Promise<void> {
  const data = join(draft, 'cluster');
  const passwordFile = join(draft, 'password');
  const password = randomBytes(24).toString('base64url');
  const adminPassword = randomBytes(24).toString('base64url');
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, adminPassword, { mode: 0o600 });
  if (account) for (const file of [data, passwordFile]) await chown(file, account.uid, account.gid);

  // The built-in C.UTF-8 sorts by code point, alike on every machine and for ever. Trigrams and text search ask the C library
  // what is a letter; where it lacks C.UTF-8, only ASCII letters count for them.
  const flags = ['--pgdata', data, '--username=postgres', '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8',
    '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-sync', '--no-instructions'];
  const first = await run(binaries.initdb, [...flags, '--lc-ctype=C.UTF-8'], { account });
  const made = first.code !== 0 && first.output.includes('invalid locale name') ? await run(binaries.initdb, flags, { account }) : first;
  if (made.code !== 0) throw new Error(`The database could not be initialised in ${dirname(draft)}: ${made.output.trim()}`);
  await rm(passwordFile);

  const input = [
    `CREATE ROLE portal LOGIN PASSWORD '${password}'`,
    'GRANT pg_monitor TO portal', // sees the sizes, settings and sessions that the health page shows
    'CREATE DATABASE portal OWNER portal',
    '',
  ].join('\n');
  const filled = await run(binaries.postgres, ['--single', '-F', '-c', 'exit_on_error=on', '-D', data, 'postgres'], { account, input });
  if (filled.code !== 0) throw new Error(`The database could not be initialised: ${filled.output.trim()}`);
  const sync = await run(binaries.initdb, ['--pgdata', data, '--sync-only', ...(process.platform === 'linux' ? ['--sync-method=syncfs'] : [])], { account });
  if (sync.code !== 0) throw new Error(`The new database could not be written to disk: ${sync.output.trim()}`);
  await writeWhole(join(draft, 'access.json'), `${JSON.stringify({ port: choosePort(), password, adminPassword }, null, 2)}\n`);
}

/** A port below the range from which systems take the ports of outgoing connections; whether it is free shows at the start. */
export const choosePort = (): number => 20_000 + Math.floor(Math.random() * 10_000);

/** Drafts of processes that were killed. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    // Its initdb may still be writing there; what cannot be removed now is at the next first start.
    if (pid > 0 && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined);
  }
}

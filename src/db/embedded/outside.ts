/**
 * For a checkout or DATA_DIR below a folder that the server's user cannot enter (root's home is mode 0700): the programs, and
 * if need be the database, stand in /var/lib/sca-portal. We do not widen the modes of folders that are not ours.
 */
import { randomUUID } from 'node:crypto';
import { chmod, cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canEnter, run, type Account } from './account.ts';
import { isRecord, messageOf } from '../../core/values.ts';

const OUTSIDE = '/var/lib/sca-portal';

/**
 * Makes the folder for databases.
 * @throws Error that says what to do where it cannot be made or entered
 */
export async function outsideFolder(account: Account | undefined, dataDir: string): Promise<string> {
  const advice = `Choose a DATA_DIR that the server's user can enter, run the portal as another user than root, or set DATABASE_URL.`;
  await makeOutside().catch((cause: unknown) => {
    throw new Error(`PostgreSQL does not run as root, its user cannot enter ${dataDir}, and ${OUTSIDE} cannot be made (${messageOf(cause)}). ${advice}`, { cause });
  });
  if (!await canEnter(account, OUTSIDE)) throw new Error(`PostgreSQL does not run as root, and its user can enter neither ${dataDir} nor ${OUTSIDE}. ${advice}`);
  return OUTSIDE;
}

async function makeOutside(): Promise<void> {
  if (await mkdir(OUTSIDE, { recursive: true }) !== undefined) await chmod(OUTSIDE, 0o755);
}

/** Copies the programs (60 MB) to where every user can run them, once for each version; returns the copy. */
export async function shareBinaries(root: string): Promise<string> {
  const described: unknown = JSON.parse(await readFile(join(dirname(root), 'package.json'), 'utf8'));
  const version = isRecord(described) && typeof described['version'] === 'string' ? described['version'] : 'unknown';
  const copy = join(OUTSIDE, `postgresql-${version}-${process.arch}`);
  const owner = await stat(copy).then(({ uid }) => uid, () => undefined);
  if (owner === process.getuid?.()) return copy;
  if (owner !== undefined) throw new Error(`${copy} does not belong to this user: remove it.`);
  const draft = join(OUTSIDE, `.copy-${randomUUID()}`);
  try {
    await makeOutside();
    await cp(root, draft, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX', draft]); // whatever the umask
    await rename(draft, copy).catch(async (error: unknown) => {
      if (!await stat(copy).catch(() => undefined)) throw error; // else another process was faster
    });
  } catch (cause) {
    throw new Error(`PostgreSQL does not run as root, its user cannot enter ${root}, and the programs could not be copied to ${copy} (${messageOf(cause)}): set DATABASE_URL, or run the portal as another user.`, { cause });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return copy;
}

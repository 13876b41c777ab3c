/**
 * Where the embedded database stands and how it is made: DATA_DIR/postgres holds `cluster` (PostgreSQL's own folder) and
 * `access.json` (port and passwords). It is a link where the server's user cannot enter DATA_DIR.
 */
import { lstat, mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../log.ts';
import { canEnter, serverAccount, type Account } from './account.ts';
import { binariesIn, findBinaries, type Binaries } from './binaries.ts';
import { makeCluster } from './initialise.ts';
import type { Access, Cluster } from './layout.ts';
import { shareBinaries } from './outside.ts';
import { errorCode, isRecord } from '../../core/values.ts';

/** Opens the cluster below `dataDir`, and makes it first where there is none. Several processes may do so at once. */
export async function openCluster(dataDir: string, log: Log): Promise<Cluster> {
  const folder = resolve(dataDir);
  const place = join(folder, 'postgres');
  await mkdir(folder, { recursive: true });
  const binaries = await findBinaries();
  if (!await exists(place)) {
    const account = await serverAccount(log);
    await makeCluster({ folder, place, account, binaries: await reachable(binaries, account), log });
  }
  const home = await realpath(place).catch((cause: unknown) => {
    throw new Error(`${place} is a link to a folder that is gone: bring that folder back, or remove the link to begin with an empty database.`, { cause });
  });
  const data = await realpath(join(home, 'cluster')).catch((cause: unknown) => {
    throw new Error(`${home} holds no database of the portal (${errorCode(cause)}): empty it, or choose another DATA_DIR.`, { cause });
  });
  const account = await ownerOf(data);
  const accessFile = join(home, 'access.json');
  return { dataDir: folder, data, accessFile, access: await readAccess(accessFile), logFile: join(folder, 'postgres.log'), account, binaries: await reachable(binaries, account) };
}

/** Deletes a data folder with its database, wherever that stands; its server must be stopped. For throw-away databases. */
export async function removeDataFolder(dataDir: string): Promise<void> {
  const home = await realpath(join(dataDir, 'postgres')).catch(() => undefined);
  if (home !== undefined) await rm(home, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}

const exists = (file: string): Promise<boolean> => lstat(file).then(() => true, () => false);

async function reachable(binaries: Binaries, account: Account | undefined): Promise<Binaries> {
  return await canEnter(account, dirname(binaries.postgres)) ? binaries : binariesIn(await shareBinaries(binaries.root));
}

/** The server runs as the owner of its files, whoever that was when they were made. */
async function ownerOf(data: string): Promise<Account | undefined> {
  const { uid, gid } = await stat(data);
  const own = process.getuid?.();
  if (own === undefined || own === uid) return undefined;
  if (own !== 0) throw new Error(`The database in ${data} belongs to user ${uid}, and this process runs as user ${own}: start the portal as that user or as root, or choose another DATA_DIR.`);
  return { uid, gid };
}

async function readAccess(file: string): Promise<Access> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`${file} cannot be read (${errorCode(cause)}); without it the database beside it cannot be opened.`, { cause });
  }));
  if (!isRecord(value)) throw new Error(`${file} is damaged.`);
  const { port, password, adminPassword } = value;
  if (typeof port !== 'number' || typeof password !== 'string' || typeof adminPassword !== 'string') throw new Error(`${file} is damaged.`);
  return { port, password, adminPassword };
}

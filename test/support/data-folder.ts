/** Data folders for tests of the embedded database; what is left in them is stopped and deleted after the file's last test. */
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeDataFolder } from '../../src/db/embedded.ts';
import { endPostmaster, findPostmaster } from '../../src/db/embedded/postmaster.ts';
import { atEnd } from './suite.ts';

export async function createDataFolder(parent: string = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'data-'));
  atEnd(async () => {
    const server = await findServer(folder);
    if (server) await endPostmaster(server.data, server.pid, 5_000);
    await removeDataFolder(folder);
  });
  return folder;
}

/** The server that runs on a data folder. */
export async function findServer(folder: string): Promise<{ data: string; pid: number } | undefined> {
  const data = await realpath(join(folder, 'postgres', 'cluster')).catch(() => undefined);
  const server = data === undefined ? undefined : await findPostmaster(data);
  return data === undefined || !server ? undefined : { data, pid: server.pid };
}

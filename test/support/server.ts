/** The PostgreSQL server that tests share: the database `portal` in it has the migrations and is only ever copied from. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded, removeDataFolder } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

export interface TestServer {
  /** Of the template database. */
  url: string;
  adminUrl: string;
}

/** Under which the runner tells test files of the server that it started. */
export const SERVER_VARIABLE = 'TEST_SERVER';

export const quietLog = { info: (): void => undefined, warn: (): void => undefined, error: (message: string): void => { console.error(message); } };

/** Nothing here outlives the run, so nothing waits for the disk. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '128MB', max_wal_size: '4GB' };

/** Starts a server in a temporary folder and prepares the template, about a second. */
export async function startTestServer(): Promise<TestServer & { stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sca-portal-test-'));
  try {
    const embedded = await openEmbedded({ dataDir, log: quietLog, settings: FAST });
    const stop = async (): Promise<void> => {
      await embedded.stop(5_000);
      await removeDataFolder(dataDir);
    };
    await migrate(embedded.url, { log: quietLog }).catch(async (error: unknown) => { await stop(); throw error; });
    return { url: embedded.url, adminUrl: embedded.adminUrl, stop };
  } catch (error) {
    await removeDataFolder(dataDir);
    throw error;
  }
}

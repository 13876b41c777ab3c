/** Lets one portal at a time work on an embedded database, and tells the second who the first is. */
import pg from 'pg';
import { LOCK, LOCK_CLASS } from '../locks.ts';
import type { Log } from '../log.ts';
import { messageOf, pause } from '../../core/values.ts';

export interface Hold {
  /** Lets the next portal in. */
  release: () => Promise<void>;
}

const HOLDER = `
  SELECT s.application_name AS name, to_char(s.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since
  FROM pg_locks l JOIN pg_stat_activity s USING (pid)
  WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.objsubid = 2 AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Takes the portal's lock, on a connection of its own, so that even a killed portal leaves nothing behind. After a restart of
 * the server it is taken again.
 * @param url of the embedded database
 * @param address under which this portal will answer, for the message that a second one shows
 * @throws Error that names the process, address and start of the portal that has it
 */
export async function holdPortal(url: string, address: string, log: Log): Promise<Hold> {
  let released = false;
  const isReleased = (): boolean => released; // it may have changed over an await
  let client = await take(url, address);
  const watch = (): void => {
    client.once('end', () => { if (!isReleased()) void retake(); });
  };
  const retake = async (): Promise<void> => {
    for (let wait = 100; !isReleased(); wait = Math.min(wait * 2, 5_000)) {
      try {
        client = await take(url, address);
        if (isReleased()) await client.end();
        else watch();
        return;
      } catch (error) {
        if (wait > 1_000) log.warn(`The lock of this data folder could not be taken again: ${messageOf(error)}`);
        await pause(wait);
      }
    }
  };
  watch();
  return { release: async () => { released = true; await client.end(); } };
}

async function take(url: string, address: string): Promise<pg.Client> {
  // The server cuts application names at 63 bytes: the process comes first.
  const client = new pg.Client({ connectionString: url, application_name: `sca-portal pid=${process.pid} address=${address}`.slice(0, 63), connectionTimeoutMillis: 5_000, keepAlive: true });
  client.on('error', () => undefined); // 'end' follows
  try {
    await client.connect();
    const key = [LOCK_CLASS, LOCK.portal];
    const { rows: [lock] } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', key);
    if (lock?.taken === true) return client;
    const { rows: [holder] } = await client.query<{ name: string; since: string }>(HOLDER, key);
    throw new Error(inUse(holder));
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

function inUse(holder: { name: string; since: string } | undefined): string {
  const [, pid = '', at = ''] = /^sca-portal pid=(\d+) address=(.*)$/.exec(holder?.name ?? '') ?? [];
  const who = holder && pid !== '' ? `a portal with process ${pid} at ${at}, started ${holder.since}` : 'another process';
  return `This data folder is already in use by ${who}; stop it or choose another DATA_DIR.`;
}

/** Work outside of the database, of which there is one at a time over all processes; no connection is held meanwhile. */
import { sql } from 'kysely';
import { pause } from '../core/values.ts';
import type { Db } from './connect.ts';

const POLL_MS = 200;

/**
 * Runs `work` while nobody else has the name. Throws what `refuse` makes where it did not come free in time.
 * @param seconds how long the work takes at most, after which others may have the name
 */
export async function withLease<T>(db: Db, name: string, { seconds, waitMs, refuse }: { seconds: number; waitMs: number; refuse: () => Error }, work: () => Promise<T>): Promise<T> {
  const holder = crypto.randomUUID();
  const end = performance.now() + waitMs;
  while (!(await take(db, name, holder, seconds))) {
    if (performance.now() > end) throw refuse();
    await pause(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await sql`DELETE FROM leases WHERE name = ${name} AND holder = ${holder}`.execute(db);
  }
}

async function take(db: Db, name: string, holder: string, seconds: number): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO leases AS l (name, holder, until) VALUES (${name}, ${holder}, clock_timestamp() + ${seconds} * interval '1 second')
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE l.until < clock_timestamp() RETURNING holder`.execute(db);
  return rows.length > 0;
}

/** What holders that died have left. */
export async function deleteExpiredLeases(db: Db): Promise<void> {
  await sql`DELETE FROM leases WHERE until < clock_timestamp()`.execute(db);
}

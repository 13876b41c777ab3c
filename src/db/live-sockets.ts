/** Which WebSockets are open, in all processes. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/** Sockets that are to be closed, since their user or key has opened newer ones: the id of one as the payload. */
export const EVICTED_CHANNEL = 'live_evicted';
/** A process that was not seen for so long has died. */
const DEAD_AFTER = sql`interval '45 seconds'`;
const FORGET_AFTER = sql`interval '1 hour'`;

export interface LiveSocket {
  id: string;
  /** A user, or an API key: whose limit it is. */
  ownerId: string;
  openedAt: Date;
}

/** Says that this process lives; forgets those that have long been dead. */
export async function seeProcess(db: Db, processId: string): Promise<void> {
  await sql`INSERT INTO live_processes (id) VALUES (${processId}) ON CONFLICT (id) DO UPDATE SET seen_at = now()`.execute(db);
  await sql`DELETE FROM live_processes WHERE seen_at < now() - ${FORGET_AFTER}`.execute(db);
}

/** Its sockets go with it. */
export async function forgetProcess(db: Db, processId: string): Promise<void> {
  await sql`DELETE FROM live_processes WHERE id = ${processId}`.execute(db);
}

/** Counts a socket; the owner's oldest beyond `most` are told of on EVICTED_CHANNEL. */
export async function enterSocket(db: Db, processId: string, { id, ownerId, openedAt }: LiveSocket, most: number): Promise<void> {
  await sql`SELECT enter_live_socket(${id}, ${ownerId}, ${processId}, ${openedAt}, ${most}, ${DEAD_AFTER})`.execute(db);
}

export async function leaveSocket(db: Db, id: string): Promise<void> {
  await sql`DELETE FROM live_sockets WHERE id = ${id}`.execute(db);
}

export async function socketsOfProcess(db: Db, processId: string): Promise<Set<string>> {
  const { rows } = await sql<{ id: string }>`SELECT id FROM live_sockets WHERE process_id = ${processId}`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

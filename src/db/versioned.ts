/** Optimistic concurrency, once: one UPDATE with id and version, and a second look only where it failed. */
import { sql } from 'kysely';
import type { Tx } from './connect.ts';

export type VersionedOutcome = { state: 'updated'; version: number } | { state: 'gone' } | { state: 'stale'; version: number };
type Table = 'projects' | 'findings' | 'users' | 'teams' | 'license_policies' | 'notification_channels';

/** Sets the defined columns where the row still has this version; raises version and updated_at. */
export async function updateVersioned(tx: Tx, table: Table, id: string, version: number, changes: object): Promise<VersionedOutcome> {
  const sets = Object.entries(changes).filter(([, value]) => value !== undefined).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const updated = await sql<{ version: number }>`
    UPDATE ${sql.table(table)} SET ${sql.join([...sets, sql`version = version + 1`, sql`updated_at = now()`])}
    WHERE id = ${id} AND version = ${version} RETURNING version`.execute(tx);
  if (updated.rows[0] !== undefined) return { state: 'updated', version: updated.rows[0].version };
  const present = await sql<{ version: number }>`SELECT version FROM ${sql.table(table)} WHERE id = ${id}`.execute(tx);
  return present.rows[0] === undefined ? { state: 'gone' } : { state: 'stale', version: present.rows[0].version };
}

/** How much there is. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/** Bytes on the database server's disk, indexes included; its write-ahead log is not. */
export async function databaseSize(db: Db): Promise<number> {
  const { rows } = await sql<{ size: number }>`SELECT pg_database_size(current_database()) AS size`.execute(db);
  return rows[0]?.size ?? 0;
}

/** What of the database a backup holds. */
import type pg from 'pg';
import { readMigrations } from '../migrate.ts';

/** What lives as long as a process, a session or a request, and what tells of backups themselves: their rows are in no backup. */
export const LEFT_OUT: ReadonlySet<string> = new Set([
  'schema_migrations', 'backups', 'restores', 'sessions', 'refresh_tokens', 'signing_keys', 'idempotency_keys', 'rate_limits', 'leases', 'pending_registrations', 'password_reset_tokens',
  'oauth_spent_states', 'live_processes', 'live_sockets', 'worker_processes', 'disk_alerts',
]);
/** Of those, what stays as it is when a backup is restored. */
export const KEPT: readonly string[] = ['backups', 'restores', 'worker_processes', 'signing_keys', 'live_processes', 'live_sockets'];

export interface TableShape {
  name: string;
  /** Those that can be written. */
  columns: string[];
  /** Bytes on disk, without indexes. */
  bytes: number;
}

/** Names of all tables that migrations have ever made: what else is in the schema is somebody else's, which we may not even read, and which no restore could put back. */
export async function ownTables(): Promise<ReadonlySet<string>> {
  return new Set((await readMigrations()).flatMap(({ text }) => [...text.matchAll(/^CREATE (?:UNLOGGED )?TABLE (\w+)|\bRENAME TO (\w+)/gm)].map(([, made, renamed]) => made ?? renamed ?? '')));
}

/** In the schema that names are looked up in first, by name. */
export async function tablesOf(client: pg.Client): Promise<TableShape[]> {
  const { rows } = await client.query<TableShape>(`
    SELECT c.relname::text AS name, pg_table_size(c.oid)::float8 AS bytes,
      (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
    FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname`);
  return rows;
}

/** The next numbers of identity columns. */
export interface SequenceState {
  table: string;
  column: string;
  /** The last one given out; null: none yet. */
  last: number | null;
}

export async function sequencesOf(client: pg.Client): Promise<SequenceState[]> {
  const { rows } = await client.query<SequenceState>(`
    SELECT c.relname::text AS table, a.attname::text AS column, pg_sequence_last_value(d.objid)::float8 AS last
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' AND NOT a.attisdropped
    JOIN pg_depend d ON d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY 1, 2`);
  return rows;
}

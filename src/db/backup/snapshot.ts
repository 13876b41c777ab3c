/** Reading all data out of one snapshot, while everybody goes on working. */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LOCK, LOCK_CLASS } from '../locks.ts';
import { inOwnTransaction } from './session.ts';
import { LEFT_OUT, ownTables, sequencesOf, tablesOf, type SequenceState, type TableShape } from './tables.ts';

export interface Snapshot {
  /** Those that a backup holds, by name. */
  tables: TableShape[];
  /** Of these tables. */
  sequences: SequenceState[];
  /** What has been applied, by name. */
  migrations: { name: string; checksum: string }[];
  /** A table's rows as COPY writes them: UTF-8, a line each. */
  read: (table: TableShape) => AsyncIterable<Buffer>;
}

/**
 * Migrations and restores wait until this has ended, and it for them, before its snapshot is taken: one from before would find the tables that they have made anew, and no rows in them.
 * The lock is the session's, since a transaction of this kind takes its snapshot before it waits for anything. It goes with the connection.
 */
const BEGIN = `SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock_shared(${LOCK_CLASS}, ${LOCK.migrations})`;

export function withSnapshot<T>(url: string, signal: AbortSignal, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return inOwnTransaction(url, 'backup', [BEGIN, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'], signal, async (client) => {
    const own = await ownTables();
    const tables = (await tablesOf(client)).filter(({ name }) => own.has(name) && !LEFT_OUT.has(name));
    const held = new Set(tables.map(({ name }) => name));
    const { rows: migrations } = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM schema_migrations ORDER BY name');
    return work({ tables, migrations, sequences: (await sequencesOf(client)).filter(({ table }) => held.has(table)), read: (table) => client.query(copyTo(`COPY ${columnsOf(client, table)} TO STDOUT`)) });
  });
}

/** As a COPY names them. */
export const columnsOf = (client: pg.Client, { name, columns }: Pick<TableShape, 'name' | 'columns'>): string => `${client.escapeIdentifier(name)} (${columns.map((column) => client.escapeIdentifier(column)).join(', ')})`;

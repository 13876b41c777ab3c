/** Reading all data out of one snapshot, while everybody goes on working. */
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LOCK, LOCK_CLASS } from '../locks.ts';
import { inOwnTransaction } from './session.ts';
import { LEFT_OUT, sequencesOf, tablesOf, type SequenceState, type TableShape } from './tables.ts';

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

/** A new version of the portal that starts meanwhile waits with its migrations until this has ended. */
export function withSnapshot<T>(url: string, signal: AbortSignal, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return inOwnTransaction(url, 'backup', 'ISOLATION LEVEL REPEATABLE READ READ ONLY', signal, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock_shared($1, $2)', [LOCK_CLASS, LOCK.migrations]);
    const tables = (await tablesOf(client)).filter(({ name }) => !LEFT_OUT.has(name));
    const held = new Set(tables.map(({ name }) => name));
    const { rows: migrations } = await client.query<{ name: string; checksum: string }>('SELECT name, checksum FROM schema_migrations ORDER BY name');
    return work({ tables, migrations, sequences: (await sequencesOf(client)).filter(({ table }) => held.has(table)), read: (table) => client.query(copyTo(`COPY ${columnsOf(client, table)} TO STDOUT`)) });
  });
}

/** As a COPY names them. */
export const columnsOf = (client: pg.Client, { name, columns }: Pick<TableShape, 'name' | 'columns'>): string => `${client.escapeIdentifier(name)} (${columns.map((column) => client.escapeIdentifier(column)).join(', ')})`;

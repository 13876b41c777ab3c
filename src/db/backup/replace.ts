/**
 * Replacing all data in one transaction. The tables of the archive's version are made anew beside the present ones, filled, brought up to date, and take the place of the present ones at the
 * end: until then nobody waits and nothing has changed. Takes no right beyond those that the first start took (the tables' owner, who may create schemas), and room for both.
 */
import { finished } from 'node:stream';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { pause } from '../../core/values.ts';
import { isLockConflict, LOCK, LOCK_CLASS } from '../locks.ts';
import { MIGRATIONS_TABLE, readMigrations, runMigration } from '../migrate.ts';
import { DATA_RESTORED_CHANNEL } from './settle.ts';
import { grantsOf } from './grants.ts';
import { inOwnTransaction } from './session.ts';
import { columnsOf } from './snapshot.ts';
import { KEPT, LEFT_OUT, tablesOf, type SequenceState, type TableShape } from './tables.ts';

export interface Replacement {
  migrations: readonly { name: string }[];
  /** First of all, when no other restore, backup or migration is under way. Throws where it is not to be done any more. */
  begin: (client: pg.Client) => Promise<void>;
  tables: readonly Pick<TableShape, 'name' | 'columns'>[];
  sequences: readonly SequenceState[];
  /** Calls `write` with pieces of the tables' rows, table after table; returns when all are written. */
  load: (write: (table: string, piece: Buffer) => Promise<void>) => Promise<void>;
  /** What is to be put right in the new data, before anybody sees it. */
  settle: (client: pg.Client) => Promise<void>;
  /** Last of all, when the new data are in their place. */
  finish: (client: pg.Client) => Promise<void>;
  /** Percent of what comes after the loading. */
  onProgress: (percent: number) => Promise<void>;
}

/** Throws where the database is a newer portal's, or the data do not fit: nothing has happened then. */
export function replaceAll(url: string, signal: AbortSignal, what: Replacement): Promise<void> {
  return inOwnTransaction(url, 'restore', ['BEGIN'], signal, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [LOCK_CLASS, LOCK.migrations]);
    await what.begin(client);
    const { rows: [present] } = await client.query<{ name: string; path: string }>("SELECT current_schema() AS name, current_setting('search_path') AS path");
    const schema = client.escapeIdentifier(present?.name ?? '');
    const wanted = new Set(what.migrations.map(({ name }) => name));
    const known = await readMigrations();
    const { rows: strange } = await client.query<{ name: string }>('SELECT name FROM schema_migrations WHERE name <> ALL($1)', [known.map(({ name }) => name)]);
    if (strange.length > 0) throw new Error(`The database is of a newer version of the portal: it has ${strange[0]?.name ?? ''}. Restore with that version.`);
    await client.query(`CREATE SCHEMA sca_portal_restore; SET LOCAL search_path = sca_portal_restore, ${present?.path ?? ''}; SET LOCAL maintenance_work_mem = '256MB'`);
    await client.query(MIGRATIONS_TABLE);
    for (const migration of known) if (wanted.has(migration.name)) await runMigration(client, migration);
    const later = await emptied(client, what.tables);
    await what.load(writer(client, what.tables));
    for (const { table, column, last } of what.sequences) await client.query('SELECT setval(pg_get_serial_sequence(quote_ident($1), $2), $3, $4)', [table, column, last ?? 1, last !== null]);
    for (const [index, statement] of later.entries()) {
      await client.query(statement);
      await what.onProgress((100 * (index + 1)) / later.length);
    }
    for (const migration of known) if (!wanted.has(migration.name)) await runMigration(client, migration);
    await what.settle(client);
    await client.query(`SET CONSTRAINTS ALL IMMEDIATE; ANALYZE ${(await tablesOf(client)).map(({ name }) => client.escapeIdentifier(name)).join(', ')}`);
    const grants = await grantsOf(client, schema);
    await takePlace(client, schema);
    for (const grant of grants) await client.query(grant);
    await what.finish(client);
    await client.query(`NOTIFY ${DATA_RESTORED_CHANNEL}`);
  });
}

/** Takes out what would slow the loading down or refuse it. Returns the statements that put it back. */
async function emptied(client: pg.Client, loaded: readonly { name: string }[]): Promise<string[]> {
  const names = (await tablesOf(client)).map(({ name }) => name);
  const unknown = loaded.find(({ name }) => !names.includes(name) || LEFT_OUT.has(name));
  if (unknown !== undefined) throw new Error(`The archive has a table ${unknown.name}, which its version of the portal does not keep.`);
  const tables = names.map((name) => client.escapeIdentifier(name));
  for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  const { rows: keys } = await client.query<{ drop: string; make: string }>(`
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype = 'f' ORDER BY conname`);
  for (const { drop } of keys) await client.query(drop);
  await client.query(`TRUNCATE ${names.filter((name) => !LEFT_OUT.has(name)).map((name) => client.escapeIdentifier(name)).join(', ')}`); // what migrations have put there
  const { rows: indexes } = await client.query<{ drop: string; make: string }>(`
    SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS drop, pg_get_indexdef(i.indexrelid) AS make
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY i.indexrelid`);
  for (const { drop } of indexes) await client.query(drop);
  return [...indexes.map(({ make }) => make), ...keys.map(({ make }) => make), ...tables.map((table) => `ALTER TABLE ${table} ENABLE TRIGGER USER`)];
}

/** Feeds one COPY after the other, at the database's pace. An empty piece ends the last one. */
function writer(client: pg.Client, tables: Replacement['tables']): (table: string, piece: Buffer) => Promise<void> {
  let open: { table: string; copy: Copy } | null = null;
  return async (table, piece) => {
    if (open !== null && open.table !== table) {
      const { copy } = open;
      open = null;
      await copy.end();
    }
    if (piece.length === 0) return;
    if (open === null) {
      const shape = tables.find(({ name }) => name === table);
      if (shape === undefined) throw new Error(`The archive has rows of ${table}, which its manifest does not name.`);
      open = { table, copy: startCopy(client, `COPY ${columnsOf(client, shape)} FROM STDIN`) };
    }
    await open.copy.write(piece);
  };
}

interface Copy {
  write: (piece: Buffer) => Promise<void>;
  end: () => Promise<void>;
}

/** The stream forgets its connection when the database refuses the rows, and then calls nobody back: the refusal itself is waited for. */
function startCopy(client: pg.Client, statement: string): Copy {
  const stream = client.query(copyFrom(statement));
  let refusal: Error | null = null;
  const refused = new Promise<never>((_resolve, reject) => {
    stream.on('error', (error) => {
      refusal ??= error;
      reject(refusal);
    });
  });
  refused.catch(() => undefined);
  const step = async (take: (done: (error?: Error | null) => void) => unknown): Promise<void> => {
    if (refusal !== null) throw refusal;
    await Promise.race([refused, new Promise<void>((resolve, reject) => void take((error) => (error ? reject(error) : resolve())))]);
  };
  return { write: (piece) => step((done) => stream.write(piece, done)), end: () => step((done) => finished(stream.end(), done)) };
}

const LOCK_TRIES = 120;

/** Lets the new tables and functions take the place of those of the same names. Here everybody waits, for milliseconds. */
async function takePlace(client: pg.Client, present: string): Promise<void> {
  const { rows: relations } = await client.query<{ name: string; kind: string }>(`
    SELECT quote_ident(relname) AS name, CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind FROM pg_class WHERE relnamespace = 'sca_portal_restore'::regnamespace AND relkind IN ('r', 'v') ORDER BY relkind DESC, relname`);
  const { rows: functions } = await client.query<{ name: string }>(`
    SELECT format('%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS name FROM pg_proc WHERE pronamespace = 'sca_portal_restore'::regnamespace ORDER BY 1`);
  await client.query(`SET LOCAL search_path = ${present}`);
  await lockAll(client, relations.filter(({ kind }) => kind === 'TABLE').map(({ name }) => `${present}.${name}`));
  for (const name of KEPT) {
    await client.query(`DELETE FROM sca_portal_restore.${name}`);
    await client.query(`INSERT INTO sca_portal_restore.${name} SELECT * FROM ${present}.${name}`);
  }
  for (const { name, kind } of relations) await client.query(`DROP ${kind} IF EXISTS ${present}.${name} CASCADE`);
  for (const { name } of functions) await client.query(`DROP FUNCTION IF EXISTS ${present}.${name}`);
  for (const { name } of functions) await client.query(`ALTER FUNCTION sca_portal_restore.${name} SET SCHEMA ${present}`);
  for (const { name, kind } of relations) await client.query(`ALTER ${kind} sca_portal_restore.${name} SET SCHEMA ${present}`);
  await client.query('DROP SCHEMA sca_portal_restore'); // refused while anything is left in it
}

/** All or none, so that a long reader and its successors do not wait for each other behind us. */
async function lockAll(client: pg.Client, tables: readonly string[]): Promise<void> {
  await client.query("SAVEPOINT unlocked; SET LOCAL lock_timeout = '2s'");
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
      return;
    } catch (error) {
      if (attempt >= LOCK_TRIES || !isLockConflict(error)) throw error;
      await client.query("ROLLBACK TO SAVEPOINT unlocked; SET LOCAL lock_timeout = '2s'");
      await pause(500);
    }
  }
}

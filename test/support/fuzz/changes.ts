/**
 * What a request changed in the database, to the row: triggers on every table write down each change that the API's own connections
 * commit. What a request changed and changed back, such as a claimed and released Idempotency-Key, is no change.
 */
import { sql } from 'kysely';
import type { Db } from '../../../src/db/connect.ts';

/** The name under which the API connects; the worker, whose jobs run when they like, has another. */
export const WATCHED_NAME = 'fuzzed api';

export interface Change {
  table: string;
  /** null: the row was inserted. */
  before: Record<string, unknown> | null;
  /** null: the row was deleted. */
  after: Record<string, unknown> | null;
}

/** Content of uploads is told apart by its digest alone. */
const LARGE = ['blob_chunks'];
/** Limits count every request; sockets close when they like. */
const UNWATCHED = ['rate_limits', 'live_sockets', 'live_processes'];

export async function watchChanges(db: Db): Promise<void> {
  await sql`CREATE SCHEMA fuzz`.execute(db);
  await sql`CREATE UNLOGGED TABLE fuzz.changes (id bigint GENERATED ALWAYS AS IDENTITY, tab text NOT NULL, before jsonb, after jsonb)`.execute(db);
  await sql`CREATE FUNCTION fuzz.note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW IS DISTINCT FROM OLD THEN
        IF TG_TABLE_NAME = ANY (${sql.lit(`{${LARGE.join(',')}}`)}::text[]) THEN
          INSERT INTO fuzz.changes (tab, before, after) VALUES (TG_TABLE_NAME, CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('md5', md5(OLD::text)) END, CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('md5', md5(NEW::text)) END);
        ELSE
          INSERT INTO fuzz.changes (tab, before, after) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
        END IF;
      END IF;
      RETURN NULL;
    END $$`.execute(db);
  const { rows } = await sql<{ schema: string; name: string }>`
    SELECT table_schema::text AS schema, table_name::text AS name FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND (table_schema = current_schema() AND table_name <> ALL (${UNWATCHED}) OR table_schema = 'pgboss' AND table_name = 'job')`.execute(db);
  for (const { schema, name } of rows) {
    await sql`CREATE TRIGGER fuzz_note AFTER INSERT OR UPDATE OR DELETE ON ${sql.table(`${schema}.${name}`)} FOR EACH ROW WHEN (current_setting('application_name') = ${sql.lit(WATCHED_NAME)}) EXECUTE FUNCTION fuzz.note()`.execute(db);
  }
}

/** What was changed since the last look, in total. */
export async function takeChanges(db: Db): Promise<Change[]> {
  const { rows } = await sql<{ tab: string; before: Record<string, unknown> | null; after: Record<string, unknown> | null }>`
    WITH taken AS (DELETE FROM fuzz.changes RETURNING id, tab, before, after) SELECT tab, before, after FROM taken ORDER BY id`.execute(db);
  const open: Change[] = [];
  for (const { tab: table, before, after } of rows) {
    const text = JSON.stringify(before);
    const earlier = before === null ? undefined : open.find((one) => one.table === table && JSON.stringify(one.after) === text);
    if (earlier === undefined) open.push({ table, before, after });
    else earlier.after = after;
  }
  return open.filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after));
}

/** Columns that differ; all of a row that came or went. */
export function changedColumns({ before, after }: Change): string[] {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  return before === null || after === null ? ['*'] : [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

export function describeChange(change: Change): string {
  const { table, before, after } = change;
  const row = JSON.stringify(after ?? before).slice(0, 300);
  return before === null ? `inserted into ${table}: ${row}` : after === null ? `deleted from ${table}: ${row}` : `changed ${changedColumns(change).join(', ')} in ${table}: ${row}`;
}

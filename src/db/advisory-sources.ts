/** What is known of each source of vulnerability data: when it last came, what it held, how the last try went. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

/** What an HTTP server says of the state of a document, and our way to read it. */
export interface Validator {
  etag?: string | undefined;
  last_modified?: string | undefined;
  reader: number;
}

export interface SourceSuccess {
  /** `osv:PyPI`, `kev`, `epss`, `files`. */
  name: string;
  /** Null where only a part came, so that the number of before stays. */
  records: number | null;
  refused: number;
  /** RFC 3339. */
  newestModified: string | null;
  digest: Buffer | null;
  /** By URL; added to the known ones. */
  validators: Readonly<Record<string, Validator>>;
}

/** Notes that a source has come, in the transaction of its import. */
export async function recordSource(tx: Tx, { name, records, refused, newestModified, digest, validators }: SourceSuccess): Promise<void> {
  await sql`
    INSERT INTO advisory_sources AS s (name, imported_at, tried_at, records, refused, newest_modified_at, digest, validators)
    VALUES (${name}, now(), now(), coalesce(${records}::int, 0), ${refused}, ${newestModified}, ${digest}, ${JSON.stringify(validators)}::jsonb)
    ON CONFLICT (name) DO UPDATE SET imported_at = now(), tried_at = now(), error = NULL, failures = 0, records = coalesce(${records}::int, s.records),
      refused = CASE WHEN ${records}::int IS NULL THEN s.refused ELSE excluded.refused END, newest_modified_at = greatest(s.newest_modified_at, excluded.newest_modified_at),
      digest = coalesce(excluded.digest, s.digest), validators = s.validators || excluded.validators`.execute(tx);
}

/** The next sync fetches all of it. */
export async function forgetValidators(tx: Tx, name: string): Promise<void> {
  await sql`UPDATE advisory_sources SET validators = '{}', digest = NULL WHERE name = ${name}`.execute(tx);
}

/** Notes a try that failed. Returns how many have now failed in a row. */
export async function recordSourceFailure(db: Db, name: string, message: string): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    INSERT INTO advisory_sources AS s (name, error, failures) VALUES (${name}, ${message}, 1)
    ON CONFLICT (name) DO UPDATE SET tried_at = now(), error = excluded.error, failures = s.failures + 1 RETURNING failures`.execute(db);
  return rows[0]?.failures ?? 1;
}

export interface SourceRow {
  name: string;
  imported_at: string | null;
  tried_at: string;
  error: string | null;
  failures: number;
  records: number;
  refused: number;
  newest_modified_at: string | null;
  digest: Buffer | null;
  validators: Record<string, Validator>;
}

export async function listSources(db: Db): Promise<SourceRow[]> {
  return (await sql<SourceRow>`SELECT name, imported_at, tried_at, error, failures, records, refused, newest_modified_at, digest, validators FROM advisory_sources ORDER BY name`.execute(db)).rows;
}

/** OSV's names of the ecosystems of which the portal has components, without releases of distributions. Goes from one to the next in the index: it is asked each minute. */
export async function usedEcosystems(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    WITH RECURSIVE used (ecosystem) AS (
      SELECT min(ecosystem) FROM packages
      UNION ALL SELECT (SELECT min(p.ecosystem) FROM packages p WHERE p.ecosystem > u.ecosystem) FROM used u WHERE u.ecosystem IS NOT NULL
    )
    SELECT DISTINCT split_part(ecosystem, ':', 1) AS name FROM used WHERE ecosystem IS NOT NULL ORDER BY 1`.execute(db);
  return rows.map((row) => row.name);
}

/** Those of the records that are not stored as they were at that time or later. Times to the millisecond, as they are stored. */
export async function missingAdvisories(db: Db, listed: readonly { id: string; modified: string }[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT t.id FROM unnest(${listed.map((one) => one.id)}::text[], ${listed.map((one) => one.modified)}::timestamptz[]) AS t (id, modified)
    WHERE NOT EXISTS (SELECT FROM advisories a WHERE a.id = t.id AND a.modified_at >= date_trunc('milliseconds', t.modified))`.execute(db);
  return rows.map((row) => row.id);
}

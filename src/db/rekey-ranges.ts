/**
 * Keys of advisories' ranges that older code made. A package is done whole: all of its ranges and the keys of all of its versions in one transaction, since keys of
 * two revisions cannot be compared.
 */
import { sql } from 'kysely';
import { versionKey } from '../advisories/versions/index.ts';
import type { Tx } from './connect.ts';
import { KEY_REVISION, MATCH_ECOSYSTEM, MATCH_VERSION } from './packages.ts';

interface StaleRange {
  id: number;
  ecosystem: string;
  introduced: string | null;
  introduced_key: Buffer | null;
  fixed: string | null;
  limited: string | null;
  fixed_key: Buffer | null;
  last_affected: string | null;
  last_key: Buffer | null;
}

const BATCH = 2_000;
const START = Buffer.alloc(0);

/** Whether any is left. An index's first entry. */
export async function hasStaleRanges(tx: Tx): Promise<boolean> {
  const { rows } = await sql`SELECT FROM advisory_ranges WHERE key_revision < ${sql.lit(KEY_REVISION)} LIMIT 1`.execute(tx);
  return rows.length > 0;
}

/**
 * The next packages. The caller holds the matching lock exclusively, and no import runs.
 * @returns how many ranges were looked at, and the ids of the package versions that must be matched again
 */
export async function rekeyRanges(tx: Tx): Promise<{ seen: number; changed: number[] }> {
  const { rows } = await sql<StaleRange>`
    SELECT r.id, r.ecosystem, r.introduced, r.introduced_key, r.fixed, r.limited, r.fixed_key, r.last_affected, r.last_key
    FROM (SELECT DISTINCT ecosystem, match_name FROM (SELECT ecosystem, match_name FROM advisory_ranges WHERE key_revision < ${sql.lit(KEY_REVISION)} ORDER BY key_revision, id LIMIT ${BATCH}) s) g
    JOIN advisory_ranges r ON r.ecosystem = g.ecosystem AND r.match_name = g.match_name`.execute(tx);
  if (rows.length === 0) return { seen: 0, changed: [] };
  const keyed = rows.map((row) => ({ row, introduced: keyOf(row, row.introduced, row.introduced_key), fixed: keyOf(row, row.fixed ?? row.limited, row.fixed_key), last: keyOf(row, row.last_affected, row.last_key) }));
  await sql`
    UPDATE advisory_ranges r SET introduced_key = t.introduced, fixed_key = t.fixed, last_key = t.last, key_revision = ${sql.lit(KEY_REVISION)}
    FROM unnest(${rows.map((row) => row.id)}::bigint[], ${keyed.map((one) => one.introduced)}::bytea[], ${keyed.map((one) => one.fixed)}::bytea[], ${keyed.map((one) => one.last)}::bytea[]) AS t (id, introduced, fixed, last)
    WHERE r.id = t.id`.execute(tx);
  const changed = keyed.filter(({ row, introduced, fixed, last }) => !same(introduced, row.introduced_key) || !same(fixed, row.fixed_key) || !same(last, row.last_key)).map(({ row }) => row.id);
  return { seen: rows.length, changed: changed.length === 0 ? [] : await rekeyVersionsOf(tx, changed) };
}

/** The key as it was where the text is not known, or is no version to this code: the next import of the record tells. */
function keyOf({ ecosystem }: StaleRange, version: string | null, former: Buffer | null): Buffer | null {
  if (former === null || version === null) return former;
  return version === '0' && former.length === 0 ? START : (versionKey(ecosystem, version) ?? former);
}

const same = (one: Buffer | null, other: Buffer | null): boolean => (one === null || other === null ? one === other : one.equals(other));

/** New keys for the versions of these ranges' packages. Their identities are left to the job's next step. */
async function rekeyVersionsOf(tx: Tx, rangeIds: readonly number[]): Promise<number[]> {
  const { rows } = await sql<{ id: number; ecosystem: string; version: string }>`
    WITH touched AS (SELECT DISTINCT ecosystem, match_name FROM advisory_ranges WHERE id = ANY(${rangeIds}::bigint[]))
    SELECT pv.id, ${MATCH_ECOSYSTEM} AS ecosystem, ${MATCH_VERSION} AS version
    FROM touched t JOIN packages pk ON pk.ecosystem = t.ecosystem AND pk.match_name = t.match_name JOIN package_versions pv ON pv.package_id = pk.id AND pv.match_name IS NULL
    UNION ALL SELECT pv.id, pv.ecosystem, ${MATCH_VERSION} FROM touched t JOIN package_versions pv ON pv.ecosystem = t.ecosystem AND pv.match_name = t.match_name`.execute(tx);
  await sql`
    UPDATE package_versions v SET version_key = t.key
    FROM unnest(${rows.map((row) => row.id)}::bigint[], ${rows.map((row) => versionKey(row.ecosystem, row.version))}::bytea[]) AS t (id, key)
    WHERE v.id = t.id AND v.version_key IS DISTINCT FROM t.key`.execute(tx);
  return rows.map((row) => row.id);
}

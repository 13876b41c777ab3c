/**
 * The matcher: which package versions have which vulnerabilities. All of it is set-based. The findings that follow are refresh.ts's.
 *
 * A scan that reads matches and an import that changes them must see each other: both hold the matching lock, scans shared, imports
 * exclusively, until they commit.
 */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';
import { MATCH_ECOSYSTEM, MATCH_NAME, MATCH_VERSION } from './packages.ts';
import { inTransaction } from './transaction.ts';

const LOCK_NAME = 'sca-portal:matching';

/** Held until the transaction ends. */
export async function lockMatching(tx: Tx, mode: 'shared' | 'exclusive'): Promise<void> {
  const lock = mode === 'shared' ? sql`pg_advisory_xact_lock_shared` : sql`pg_advisory_xact_lock`;
  await sql`SELECT ${lock}(hashtextextended(${LOCK_NAME}, 0))`.execute(tx);
}

/** Matches those of the package versions that have not been matched yet. */
export async function matchPackageVersions(db: Db, ids: readonly number[]): Promise<void> {
  await inTransaction(db, async (tx) => {
    await lockMatching(tx, 'shared');
    const { rows } = await sql<{ id: number }>`
      SELECT id FROM package_versions WHERE id = ANY(${ids}::bigint[]) AND matched_at IS NULL ORDER BY id FOR NO KEY UPDATE`.execute(tx);
    if (rows.length > 0) await insertMatches(tx, rows.map((row) => row.id));
  });
}

/** Matches package versions again, after their advisories have changed. The caller holds the matching lock exclusively. */
export async function rematchPackageVersions(tx: Tx, ids: readonly number[]): Promise<void> {
  await sql`DELETE FROM matches WHERE package_version_id = ANY(${ids}::bigint[])`.execute(tx);
  await insertMatches(tx, ids);
}

/** Does range `r` of advisory `a` count? A weak one yields to other records of the vulnerability that speak of the package. */
export const COUNTS = sql`(NOT r.weak OR NOT EXISTS (
  SELECT FROM advisories b JOIN advisory_ranges s ON s.advisory_id = b.id AND NOT s.weak
  WHERE b.vulnerability_id = a.vulnerability_id AND s.ecosystem = r.ecosystem AND s.match_name = r.match_name))`;

/** Where several advisories name a fix, the highest is shown: below it, one of them still calls the version affected. */
async function insertMatches(tx: Tx, ids: readonly number[]): Promise<void> {
  await sql`
    WITH todo AS (
      UPDATE package_versions SET matched_at = now() WHERE id = ANY(${ids}::bigint[]) RETURNING id, package_id, version, version_key, ecosystem, match_name, match_version
    ), placed AS (
      SELECT pv.id, ${MATCH_ECOSYSTEM} AS ecosystem, ${MATCH_NAME} AS match_name, ${MATCH_VERSION} AS version, pv.version_key FROM todo pv JOIN packages pk ON pk.id = pv.package_id
    )
    INSERT INTO matches (package_version_id, vulnerability_id, advisory_ids, fixed_version)
    SELECT t.id, a.vulnerability_id, array_agg(DISTINCT a.id ORDER BY a.id), (array_agg(r.fixed ORDER BY r.fixed_key DESC NULLS LAST))[1]
    FROM placed t
    JOIN advisory_ranges r ON r.ecosystem = t.ecosystem AND r.match_name = t.match_name
    JOIN advisories a ON a.id = r.advisory_id
    WHERE ((t.version_key >= r.introduced_key AND (r.fixed_key IS NULL OR t.version_key < r.fixed_key) AND (r.last_key IS NULL OR t.version_key <= r.last_key))
      OR t.version = ANY(r.exact)) AND ${COUNTS}
    GROUP BY t.id, a.vulnerability_id`.execute(tx);
}

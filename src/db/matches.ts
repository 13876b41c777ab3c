/**
 * The matcher: which package versions have which vulnerabilities, and the findings that follow for projects. All of it is set-based.
 *
 * A scan that reads matches and an import that changes them must see each other: both hold the matching lock, scans shared, imports
 * exclusively, until they commit.
 */
import { sql, type RawBuilder } from 'kysely';
import type { Db, Tx } from './connect.ts';
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

/** Where several advisories name a fix, the highest is shown: below it, one of them still calls the version affected. */
async function insertMatches(tx: Tx, ids: readonly number[]): Promise<void> {
  await sql`
    WITH todo AS (
      UPDATE package_versions SET matched_at = now() WHERE id = ANY(${ids}::bigint[]) RETURNING id, package_id, version, version_key
    )
    INSERT INTO matches (package_version_id, vulnerability_id, advisory_ids, fixed_version)
    SELECT t.id, a.vulnerability_id, array_agg(DISTINCT a.id ORDER BY a.id), (array_agg(r.fixed ORDER BY r.fixed_key DESC NULLS LAST))[1]
    FROM todo t
    JOIN packages p ON p.id = t.package_id
    JOIN advisory_ranges r ON r.ecosystem = p.ecosystem AND r.match_name = p.match_name
    JOIN advisories a ON a.id = r.advisory_id
    WHERE (t.version_key >= r.introduced_key AND (r.fixed_key IS NULL OR t.version_key < r.fixed_key) AND (r.last_key IS NULL OR t.version_key <= r.last_key))
      OR t.version = ANY(r.exact)
    GROUP BY t.id, a.vulnerability_id`.execute(tx);
}

export interface FindingChanges {
  /** New or come back. */
  opened: number;
  /** No current scan has them any longer. */
  resolved: number;
}

/**
 * Brings the findings of a project, or of all components that are one of the package versions, in line with the matches: what a current
 * scan of any ref has is a finding; an open finding that none has any longer becomes `fixed`, and `new` again if it returns. Decisions
 * (not affected, false positive, suppressed) outlive scans; they end where no advisory speaks of the version any longer. The caller
 * holds the matching lock.
 */
export async function refreshFindings(tx: Tx, at: { projectId: string } | { packageVersionIds: readonly number[] }): Promise<FindingChanges> {
  const within: RawBuilder<unknown> = 'projectId' in at ? sql`c.project_id = ${at.projectId}` : sql`c.package_version_id = ANY(${at.packageVersionIds}::bigint[])`;
  const { rows } = await sql<FindingChanges>`
    WITH due AS MATERIALIZED (
      SELECT c.project_id, c.id AS component_id, m.vulnerability_id
      FROM components c JOIN matches m ON m.package_version_id = c.package_version_id
      WHERE ${within} AND EXISTS (SELECT FROM scan_components sc JOIN scans s ON s.id = sc.scan_id WHERE sc.component_id = c.id AND s.is_current)
    ), gone AS (
      UPDATE findings f SET status = 'fixed', resolved_at = now(), version = f.version + 1, updated_at = now()
      FROM components c
      WHERE c.id = f.component_id AND ${within} AND f.status <> 'fixed'
        AND NOT EXISTS (SELECT FROM due d WHERE d.component_id = f.component_id AND d.vulnerability_id = f.vulnerability_id)
        AND (f.status IN ('new', 'analyzing', 'exploitable')
          OR NOT EXISTS (SELECT FROM matches m WHERE m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id))
      RETURNING f.id
    ), opened AS (
      INSERT INTO findings AS f (project_id, component_id, vulnerability_id)
      SELECT project_id, component_id, vulnerability_id FROM due ORDER BY component_id, vulnerability_id
      ON CONFLICT (component_id, vulnerability_id) DO UPDATE SET status = 'new', resolved_at = NULL, version = f.version + 1, updated_at = now()
      WHERE f.resolved_at IS NOT NULL
      RETURNING f.id
    )
    SELECT (SELECT count(*)::int FROM opened) AS opened, (SELECT count(*)::int FROM gone) AS resolved`.execute(tx);
  return rows[0] ?? { opened: 0, resolved: 0 };
}

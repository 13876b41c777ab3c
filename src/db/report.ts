/** What the human report shows beside what lists have. */
import { sql } from 'kysely';
import { EFFECTIVE_LICENSE, type Severity, type Tier } from './components.ts';
import type { Db } from './connect.ts';

export interface TrendRow {
  scan_id: string;
  completed_at: string;
  component_count: number;
  /** Vulnerabilities of its components, by what is known today, triage left aside. */
  counts: Partial<Record<Severity, number>>;
}

/** The scan and those before it on the same ref, the oldest first. */
export async function scanTrend(db: Db, scanId: string, limit: number): Promise<TrendRow[]> {
  const { rows } = await sql<TrendRow>`
    WITH line AS (
      SELECT o.id, o.completed_at, o.component_count FROM scans s JOIN scans o ON o.project_id = s.project_id AND o.status = 'succeeded' AND coalesce(o.ref, '') = coalesce(s.ref, '')
        AND (o.completed_at, o.id) <= (s.completed_at, s.id)
      WHERE s.id = ${scanId} ORDER BY o.completed_at DESC, o.id DESC LIMIT ${sql.lit(limit)}
    )
    SELECT line.id AS scan_id, line.completed_at, coalesce(line.component_count, 0) AS component_count, coalesce((
      SELECT jsonb_object_agg(x.severity, x.count) FROM (
        SELECT v.severity, count(*)::int AS count FROM scan_components sc JOIN matches m ON m.package_version_id = sc.package_version_id JOIN vulnerabilities v ON v.id = m.vulnerability_id
        WHERE sc.scan_id = line.id AND v.withdrawn_at IS NULL GROUP BY v.severity) x), '{}') AS counts
    FROM line ORDER BY line.completed_at, line.id`.execute(db);
  return rows;
}

export interface LicenseCountRow {
  /** Null where none is known. */
  expression: string | null;
  tier: Tier;
  count: number;
}

/** Licence expressions of a scan's components, the most restrictive first, then the most frequent. */
export async function licenseCounts(db: Db, scanId: string, limit: number): Promise<LicenseCountRow[]> {
  const { rows } = await sql<LicenseCountRow>`
    SELECT ${EFFECTIVE_LICENSE} AS expression, sc.license_tier AS tier, count(*)::int AS count FROM scan_components sc WHERE sc.scan_id = ${scanId} GROUP BY 1, 2
    ORDER BY CASE sc.license_tier WHEN 'forbidden' THEN 0 WHEN 'unknown' THEN 1 WHEN 'conditional' THEN 2 ELSE 3 END, count(*) DESC, ${EFFECTIVE_LICENSE} COLLATE "C" NULLS FIRST LIMIT ${sql.lit(limit)}`.execute(db);
  return rows;
}

/** What the human report shows beside what lists have. */
import { sql } from 'kysely';
import type { Severity } from '../core/severity.ts';
import { EFFECTIVE_LICENSE, type Tier } from './components.ts';
import type { Db } from './connect.ts';
import { SAFE_VERSION } from './finding-detail.ts';
import { MATCH_ECOSYSTEM, MATCH_NAME } from './packages.ts';
import { severityOfRank } from './severity.ts';

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
        SELECT v.severity, count(*)::int AS count FROM scan_components sc CROSS JOIN LATERAL (
          SELECT m.vulnerability_id FROM matches m WHERE m.package_version_id = sc.package_version_id UNION SELECT o.vulnerability_id FROM second_opinions o WHERE o.component_id = sc.component_id
        ) spoken JOIN vulnerabilities v ON v.id = spoken.vulnerability_id
        WHERE sc.scan_id = line.id AND v.withdrawn_at IS NULL GROUP BY v.severity) x), '{}') AS counts
    FROM line ORDER BY line.completed_at, line.id`.execute(db);
  return rows;
}

export interface UpgradeRow {
  name: string;
  version: string;
  purl: string;
  direct: boolean | null;
  /** Open findings, of which `worse` are critical or high. */
  open: number;
  worse: number;
  /** The worst of them. */
  severity: Severity;
  /** That of the most urgent of them. */
  priority: number;
  /** The smallest one without known vulnerabilities; null where there is none. */
  safe_version: string | null;
}

/** The scan's components with the most urgent open findings, and what to upgrade them to. */
export async function urgentUpgrades(db: Db, scanId: string, open: readonly string[], limit: number): Promise<UpgradeRow[]> {
  const { rows } = await sql<UpgradeRow>`
    WITH urgent AS (
      SELECT sc.component_id, sc.package_version_id, sc.direct, sc.ordinal, count(*)::int AS open, count(*) FILTER (WHERE f.severity_rank < 2)::int AS worse, min(f.severity_rank) AS worst, max(f.priority) AS priority
      FROM scans s JOIN scan_components sc ON sc.scan_id = s.id CROSS JOIN LATERAL (
        SELECT f.severity_rank, f.priority FROM findings f WHERE f.component_id = sc.component_id AND f.project_id = s.project_id AND f.status = ANY(${open}) OFFSET 0
      ) f
      WHERE s.id = ${scanId} GROUP BY sc.component_id, sc.package_version_id, sc.direct, sc.ordinal
      ORDER BY priority DESC, worse DESC, open DESC, sc.ordinal LIMIT ${sql.lit(limit)}
    )
    SELECT concat_ws('/', nullif(pk.namespace, ''), pk.name) AS name, pv.version, c.purl, u.direct, u.open, u.worse, u.priority,
      ${severityOfRank(sql`u.worst`)} AS severity, ${SAFE_VERSION} AS safe_version
    FROM urgent u JOIN components c ON c.id = u.component_id JOIN package_versions pv ON pv.id = u.package_version_id JOIN packages pk ON pk.id = pv.package_id
    CROSS JOIN LATERAL (SELECT ${MATCH_ECOSYSTEM} AS ecosystem, ${MATCH_NAME} AS match_name, pv.version_key) mine
    ORDER BY u.priority DESC, u.worse DESC, u.open DESC, u.ordinal`.execute(db);
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

/** Vulnerability findings of a project: the list, and what documents say of them. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { DependencyScope, FindingStatus, Severity, Tier } from './components.ts';
import type { Db } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';

export interface FindingRow {
  id: string;
  component_id: string;
  component_name: string;
  component_version: string;
  purl: string;
  cve_id: string;
  aliases: string[];
  severity: Severity;
  cvss_score: number | null;
  epss_score: number | null;
  epss_percentile: number | null;
  kev: boolean;
  status: FindingStatus;
  summary: string | null;
  fixed_version: string | null;
  direct: boolean | null;
  scope: DependencyScope | null;
  license_tier: Tier | null;
  discovered_at: string;
  updated_at: string;
  version: number;
}

const RANK = sql`CASE v.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 WHEN 'info' THEN 4 ELSE 5 END`;
const SORTABLE = {
  severity: RANK, cvss: sql`v.cvss_score`, epss: sql`v.epss_score`, status: sql`f.status`, component: sql`pk.name`, cve_id: sql`v.external_id`,
  discovered_at: sql`f.first_detected_at`, updated_at: sql`f.updated_at`,
};
const COLUMNS = sql`f.id, f.component_id, pk.name AS component_name, pv.version AS component_version, c.purl, v.external_id AS cve_id, v.aliases, v.severity,
  v.cvss_score, v.epss_score, v.epss_percentile, v.kev_added_on IS NOT NULL AS kev, f.status, v.summary, m.fixed_version, sc.direct, sc.scope, sc.license_tier,
  f.first_detected_at AS discovered_at, f.updated_at, f.version`;

export interface FindingFilters {
  text?: string | undefined;
  severity?: readonly string[] | undefined;
  status?: readonly string[] | undefined;
  kev?: boolean | undefined;
  minEpss?: number | undefined;
  fixAvailable?: boolean | undefined;
  direct?: boolean | undefined;
  componentId?: string | undefined;
}

/**
 * Findings on the components of a scan. With `resolvedToo`, also those of the project that became `fixed` by themselves,
 * since no current scan has them any longer.
 */
export async function listFindings(db: Db, at: { projectId: string; scanId: string | null; resolvedToo: boolean }, filters: FindingFilters, page: PageRequest): Promise<{ items: FindingRow[]; total: number }> {
  const from = sql`
    FROM findings f
    JOIN components c ON c.id = f.component_id
    JOIN package_versions pv ON pv.id = c.package_version_id
    JOIN packages pk ON pk.id = pv.package_id
    JOIN vulnerabilities v ON v.id = f.vulnerability_id
    LEFT JOIN scan_components sc ON sc.scan_id = ${at.scanId} AND sc.component_id = f.component_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id`;
  const conditions: RawBuilder<unknown>[] = [
    sql`f.project_id = ${at.projectId}`,
    at.resolvedToo ? sql`(sc.scan_id IS NOT NULL OR f.resolved_at IS NOT NULL)` : sql`sc.scan_id IS NOT NULL`,
  ];
  if (filters.text !== undefined) {
    const text = containing(filters.text);
    conditions.push(sql`(v.external_id ILIKE ${text} OR array_to_string(v.aliases, ' ') ILIKE ${text} OR c.purl ILIKE ${text} OR v.summary ILIKE ${text})`);
  }
  if (filters.severity !== undefined) conditions.push(sql`v.severity = ANY(${filters.severity})`);
  if (filters.status !== undefined) conditions.push(sql`f.status = ANY(${filters.status})`);
  if (filters.kev !== undefined) conditions.push(filters.kev ? sql`v.kev_added_on IS NOT NULL` : sql`v.kev_added_on IS NULL`);
  if (filters.minEpss !== undefined) conditions.push(sql`v.epss_score >= ${filters.minEpss}`);
  if (filters.fixAvailable !== undefined) conditions.push(filters.fixAvailable ? sql`m.fixed_version IS NOT NULL` : sql`m.fixed_version IS NULL`);
  if (filters.direct !== undefined) conditions.push(sql`sc.direct = ${filters.direct}`);
  if (filters.componentId !== undefined) conditions.push(sql`f.component_id = ${filters.componentId}`);
  const items = await sql<FindingRow>`SELECT ${COLUMNS} ${from} ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`f.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${from} ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

const SAMPLE = 20;

/** Number of components by licence tier, with a few of them. */
export async function licenseTiers(db: Db, scanId: string): Promise<{ tier: Tier; count: number; component_ids: string[] }[]> {
  const { rows } = await sql<{ tier: Tier; count: number; component_ids: string[] }>`
    SELECT license_tier AS tier, count(*)::int AS count, (array_agg(component_id ORDER BY ordinal))[1:${sql.lit(SAMPLE)}] AS component_ids
    FROM scan_components WHERE scan_id = ${scanId} GROUP BY license_tier`.execute(db);
  return rows;
}

export interface DocumentFindingRow {
  cve_id: string;
  severity: Severity;
  cvss_score: number | null;
  cvss_vector: string | null;
  cwes: string[];
  summary: string | null;
  status: FindingStatus;
  justification: string | null;
  justification_code: string | null;
  purl: string;
  fixed_version: string | null;
  published_at: string | null;
  updated_at: string;
}

/** Findings of a scan for documents, by vulnerability and package URL. */
export async function documentFindings(db: Db, scanId: string): Promise<DocumentFindingRow[]> {
  const { rows } = await sql<DocumentFindingRow>`
    SELECT v.external_id AS cve_id, v.severity, v.cvss_score, v.cvss_vector, v.cwes, v.summary, f.status, f.justification, f.justification_code, c.purl, m.fixed_version,
      v.published_at, f.updated_at
    FROM scan_components sc JOIN components c ON c.id = sc.component_id
    JOIN findings f ON f.component_id = c.id JOIN vulnerabilities v ON v.id = f.vulnerability_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    WHERE sc.scan_id = ${scanId} ORDER BY v.external_id, c.purl`.execute(db);
  return rows;
}

/** Changes whenever the findings of a scan or what is known of their vulnerabilities does. */
export async function findingsState(db: Db, scanId: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    SELECT concat_ws('/', count(*), max(f.updated_at), max(v.updated_at)) AS state
    FROM scan_components sc JOIN findings f ON f.component_id = sc.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE sc.scan_id = ${scanId}`.execute(db);
  return rows[0]?.state ?? '';
}

/** Components of a project as one of its scans has them. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Db } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';

export type Tier = 'allowed' | 'conditional' | 'forbidden' | 'unknown';
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info' | 'unknown';
export type FindingStatus = 'new' | 'analyzing' | 'exploitable' | 'not_affected' | 'false_positive' | 'suppressed' | 'fixed';
export type DependencyScope = 'required' | 'optional' | 'dev' | 'excluded';

export interface ComponentRow {
  id: string;
  project_id: string;
  name: string;
  namespace: string | null;
  version: string;
  purl: string;
  type: string;
  license: string | null;
  license_tier: Tier;
  severity_max: Severity | 'none';
  vulnerability_count: number;
  direct: boolean | null;
  depth: number | null;
  scope: DependencyScope;
}

/** 0 for critical to 5 for unknown; 6 where there is none. */
const severityRank = (severity: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`CASE ${severity} WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 WHEN 'info' THEN 4 WHEN 'unknown' THEN 5 ELSE 6 END`;
const tierRank = sql`CASE sc.license_tier WHEN 'forbidden' THEN 0 WHEN 'unknown' THEN 1 WHEN 'conditional' THEN 2 ELSE 3 END`;

/** Open findings of a component: their number and the worst severity's rank. */
const OPEN_FINDINGS = sql`
  LEFT JOIN LATERAL (
    SELECT count(*)::int AS total, min(${severityRank(sql`v.severity`)}) AS worst
    FROM findings f JOIN vulnerabilities v ON v.id = f.vulnerability_id
    WHERE f.component_id = sc.component_id AND f.status IN ('new', 'analyzing', 'exploitable')
  ) open ON true`;
const FROM = sql`
  FROM scan_components sc
  JOIN components c ON c.id = sc.component_id
  JOIN package_versions pv ON pv.id = sc.package_version_id
  JOIN packages pk ON pk.id = pv.package_id
  ${OPEN_FINDINGS}`;
const COLUMNS = sql`c.id, c.project_id, pk.name, nullif(pk.namespace, '') AS namespace, pv.version, c.purl, sc.type, sc.license_expression AS license, sc.license_tier,
  (ARRAY['critical', 'high', 'medium', 'low', 'info', 'unknown', 'none'])[coalesce(open.worst, 6) + 1] AS severity_max,
  open.total AS vulnerability_count, sc.direct, sc.depth, sc.scope`;
const SORTABLE = {
  name: sql`pk.name`, version: sql`pv.version`, purl: sql`c.purl`, severity: sql`coalesce(open.worst, 6)`, license: sql`sc.license_expression`,
  license_tier: tierRank, vulnerability_count: sql`open.total`, depth: sql`sc.depth`,
};

export interface ComponentFilters {
  text?: string | undefined;
  severity?: readonly string[] | undefined;
  licenseTier?: readonly string[] | undefined;
  direct?: boolean | undefined;
  scope?: readonly string[] | undefined;
}

export async function listScanComponents(db: Db, scanId: string, filters: ComponentFilters, page: PageRequest): Promise<{ items: ComponentRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [sql`sc.scan_id = ${scanId}`];
  if (filters.text !== undefined) conditions.push(sql`c.purl ILIKE ${containing(filters.text)}`);
  if (filters.severity !== undefined) {
    conditions.push(sql`(ARRAY['critical', 'high', 'medium', 'low', 'info', 'unknown', 'none'])[coalesce(open.worst, 6) + 1] = ANY(${filters.severity})`);
  }
  if (filters.licenseTier !== undefined) conditions.push(sql`sc.license_tier = ANY(${filters.licenseTier})`);
  if (filters.direct !== undefined) conditions.push(sql`sc.direct = ${filters.direct}`);
  if (filters.scope !== undefined) conditions.push(sql`sc.scope = ANY(${filters.scope})`);
  const items = await sql<ComponentRow>`SELECT ${COLUMNS} ${FROM} ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`c.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${FROM} ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export interface ComponentDetailRow extends ComponentRow {
  scan_id: string;
  ordinal: number;
  license_declared: string | null;
  supplier: string | null;
  description: string | null;
  hashes: Record<string, string>;
  evidence: string | null;
  first_seen_at: string;
}

/** A component as the named scan has it, else the project's current scan, else the newest scan that has it. */
export async function findComponent(db: Db, id: string, scanId: string | null): Promise<ComponentDetailRow | undefined> {
  const { rows } = await sql<ComponentDetailRow>`
    SELECT ${COLUMNS}, sc.scan_id, sc.ordinal, sc.license_declared, sc.supplier, sc.description, sc.hashes, sc.evidence, c.created_at AS first_seen_at
    ${FROM} JOIN scans s ON s.id = sc.scan_id JOIN projects p ON p.id = c.project_id
    WHERE c.id = ${id} AND (${scanId}::uuid IS NULL OR sc.scan_id = ${scanId})
    ORDER BY (sc.scan_id = p.current_scan_id) DESC NULLS LAST, s.completed_at DESC, s.id DESC LIMIT 1`.execute(db);
  return rows[0];
}

export interface ComponentFindingRow {
  finding_id: string;
  cve_id: string;
  severity: Severity;
  cvss_score: number | null;
  status: FindingStatus;
  fixed_version: string | null;
  title: string | null;
}

export async function findingsOfComponent(db: Db, componentId: string): Promise<ComponentFindingRow[]> {
  const { rows } = await sql<ComponentFindingRow>`
    SELECT f.id AS finding_id, v.external_id AS cve_id, v.severity, v.cvss_score, f.status, m.fixed_version, v.summary AS title
    FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    WHERE f.component_id = ${componentId} ORDER BY ${severityRank(sql`v.severity`)}, v.external_id`.execute(db);
  return rows;
}

export interface GraphNode {
  ordinal: number;
  id: string;
  purl: string;
  direct: boolean | null;
  depends_on: number[];
}

/** The whole dependency graph of a scan, by ordinal. */
export async function scanGraph(db: Db, scanId: string): Promise<GraphNode[]> {
  const { rows } = await sql<GraphNode>`
    SELECT sc.ordinal, sc.component_id AS id, c.purl, sc.direct, sc.depends_on
    FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE sc.scan_id = ${scanId} ORDER BY sc.ordinal`.execute(db);
  return rows;
}

export interface DocumentComponentRow {
  ordinal: number;
  purl: string;
  name: string;
  namespace: string | null;
  version: string;
  type: string;
  scope: DependencyScope;
  license_expression: string | null;
  supplier: string | null;
  copyright: string | null;
  description: string | null;
  hashes: Record<string, string>;
  depends_on: number[];
  direct: boolean | null;
}

/** Components of a scan for documents, a batch at a time, by ordinal (which is by package URL). */
export async function* documentComponents(db: Db, scanId: string, batch = 2_000): AsyncGenerator<DocumentComponentRow[]> {
  for (let after = -1; ; ) {
    const { rows } = await sql<DocumentComponentRow>`
      SELECT sc.ordinal, c.purl, pk.name, nullif(pk.namespace, '') AS namespace, pv.version, sc.type, sc.scope, sc.license_expression,
        sc.supplier, sc.copyright, sc.description, sc.hashes, sc.depends_on, sc.direct
      FROM scan_components sc JOIN components c ON c.id = sc.component_id
      JOIN package_versions pv ON pv.id = sc.package_version_id JOIN packages pk ON pk.id = pv.package_id
      WHERE sc.scan_id = ${scanId} AND sc.ordinal > ${after} ORDER BY sc.ordinal LIMIT ${batch}`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.ordinal;
  }
}

/** The list of a project's vulnerability findings. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { components } from '../../generated/api.ts';
import { SEVERITIES, type Severity } from '../core/severity.ts';
import type { DependencyScope, FindingStatus, Tier } from './components.ts';
import type { Db } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';

export type FindingSource = components['schemas']['FindingSource'];

export interface FindingPriority {
  /** 0 to 100: the sum of the parts. */
  score: number;
  parts: { cvss: number; kev: number; epss: number; fix: number; depth: number };
}

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
  sources: FindingSource[];
  status: FindingStatus;
  summary: string | null;
  fixed_version: string | null;
  direct: boolean | null;
  scope: DependencyScope | null;
  license_tier: Tier | null;
  priority: FindingPriority;
  discovered_at: string;
  updated_at: string;
  version: number;
}

/** The shortest text that an index of trigrams finds. */
export const TRIGRAM = 3;
/** `vulnerabilities v` whose id, aliases or summary match a pattern; by vulnerabilities_search_idx. */
export const vulnerabilityContains = (pattern: string): RawBuilder<unknown> => sql`vulnerability_search(v.external_id, v.aliases, v.summary) ILIKE ${pattern}`;


/** Tables that a filter or an order may need beside `findings f`; each brings those before it that it joins on. */
const JOINS = {
  vulnerability: sql`JOIN vulnerabilities v ON v.id = f.vulnerability_id`,
  component: sql`JOIN components c ON c.id = f.component_id`,
  package: sql`JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id`,
} as const;
const SORTABLE = {
  priority: { neverNull: sql`f.priority` }, severity: { neverNull: sql`f.severity_rank` }, cvss: sql`v.cvss_score`, epss: sql`v.epss_score`, status: { neverNull: sql`f.status` },
  component: { neverNull: sql`pk.name` }, cve_id: { neverNull: sql`v.external_id` }, discovered_at: { neverNull: sql`f.first_detected_at` }, updated_at: { neverNull: sql`f.updated_at` },
};
const SORT_NEEDS: Readonly<Record<string, keyof typeof JOINS>> = { cvss: 'vulnerability', epss: 'vulnerability', cve_id: 'vulnerability', component: 'package' };

/** The priority of a finding with its parts; `depth` is its place in the project's current scan, by which the stored score was made. */
export const priorityColumn = (depth: RawBuilder<unknown>): RawBuilder<unknown> => sql`(
  SELECT json_build_object('score', f.priority, 'parts', json_build_object('cvss', part[1], 'kev', part[2], 'epss', part[3], 'fix', part[4], 'depth', part[5]))
  FROM (SELECT finding_priority(v.cvss_score, v.severity, v.kev_added_on IS NOT NULL, v.epss_score, m.fixed_version IS NOT NULL, ${depth}) AS part OFFSET 0) parts)`;
const COLUMNS = sql`f.id, f.component_id, pk.name AS component_name, pv.version AS component_version, c.purl, v.external_id AS cve_id, v.aliases, v.severity,
  v.cvss_score, v.epss_score, v.epss_percentile, v.kev_added_on IS NOT NULL AS kev, f.sources, f.status, v.summary, m.fixed_version, sc.direct, sc.scope, sc.license_tier,
  f.first_detected_at AS discovered_at, f.updated_at, f.version`;

export interface FindingFilters {
  text?: string | undefined;
  severity?: readonly string[] | undefined;
  status?: readonly string[] | undefined;
  source?: FindingSource | undefined;
  kev?: boolean | undefined;
  minEpss?: number | undefined;
  fixAvailable?: boolean | undefined;
  direct?: boolean | undefined;
  componentId?: string | undefined;
  cwe?: string | undefined;
  discoveredAfter?: string | undefined;
  discoveredBefore?: string | undefined;
}

export interface FindingView {
  projectId: string;
  /** Its components are shown; null where the project has no scan. */
  scanId: string | null;
  /** It is the project's current one: findings that became fixed by themselves are shown too. */
  current: boolean;
}

export interface FindingList {
  items: FindingRow[];
  total: number;
  /** Of all pages. */
  severity_summary: Record<Severity, number>;
}

/** A page is found by ids first, with the tables only that filters and order need, then filled: in one statement PostgreSQL would plan for any LIMIT, and join everything. */
export async function listFindings(db: Db, view: FindingView, filters: FindingFilters, page: PageRequest): Promise<FindingList> {
  const { conditions, needs } = selection(view, filters);
  const place = sql`scan_components sc ON sc.scan_id = ${view.scanId} AND sc.component_id = f.component_id`;
  const from = (extra: Iterable<keyof typeof JOINS>): RawBuilder<unknown> => {
    const wanted = new Set([...needs.joins, ...extra]);
    if (wanted.has('package')) wanted.delete('component');
    return sql`FROM findings f ${view.current ? (needs.place ? sql`LEFT JOIN ${place}` : sql``) : sql`JOIN ${place}`} ${sql.join([...wanted].map((name) => JOINS[name]), sql` `)} ${where(conditions)}`;
  };
  const { rows: chosen } = await sql<{ id: string }>`${plannedAnew}
    SELECT f.id ${from(page.sort.flatMap(({ field }) => SORT_NEEDS[field] ?? []))} ${orderAndPage(page, SORTABLE, sql`f.id`)}`.execute(db);
  const items = await sql<FindingRow>`
    SELECT ${COLUMNS}, ${priorityColumn(sql`place.depth`)} AS priority
    FROM unnest(${chosen.map(({ id }) => id)}::uuid[]) WITH ORDINALITY AS chosen (id, place)
    JOIN findings f ON f.id = chosen.id ${JOINS.package} ${JOINS.vulnerability} JOIN projects p ON p.id = f.project_id
    LEFT JOIN ${place}
    LEFT JOIN scan_components place ON place.scan_id = p.current_scan_id AND place.component_id = f.component_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    ORDER BY chosen.place`.execute(db);
  const { rows: counts } = await sql<{ rank: number; count: number }>`${plannedAnew} SELECT f.severity_rank AS rank, count(*)::int AS count ${from([])} GROUP BY f.severity_rank`.execute(db);
  const count = (severity: Severity): number => counts.find(({ rank }) => SEVERITIES[rank] === severity)?.count ?? 0;
  return {
    items: items.rows, total: counts.reduce((sum, row) => sum + row.count, 0),
    severity_summary: { critical: count('critical'), high: count('high'), medium: count('medium'), low: count('low'), info: count('info'), unknown: count('unknown') },
  };
}

/** The conditions of a list, and what they need beside `findings f`. */
function selection(view: FindingView, filters: FindingFilters): { conditions: RawBuilder<unknown>[]; needs: { joins: Set<keyof typeof JOINS>; place: boolean } } {
  const joins = new Set<keyof typeof JOINS>();
  const conditions: RawBuilder<unknown>[] = [sql`f.project_id = ${view.projectId}`];
  if (view.current) conditions.push(sql`f.listed`);
  if (filters.text !== undefined) {
    const text = containing(filters.text);
    if (filters.text.length >= TRIGRAM) conditions.push(sql`(f.vulnerability_id IN (SELECT id FROM vulnerabilities v WHERE ${vulnerabilityContains(text)}) OR f.component_id IN (SELECT id FROM components WHERE project_id = ${view.projectId} AND purl ILIKE ${text}))`);
    else {
      joins.add('vulnerability').add('component');
      conditions.push(sql`(v.external_id ILIKE ${text} OR array_to_string(v.aliases, ' ') ILIKE ${text} OR c.purl ILIKE ${text} OR v.summary ILIKE ${text})`);
    }
  }
  if (filters.severity !== undefined) conditions.push(sql`f.severity_rank = ANY(${filters.severity.map((name) => SEVERITIES.findIndex((one) => one === name))}::smallint[])`);
  if (filters.status !== undefined) conditions.push(sql`f.status = ANY(${filters.status})`);
  if (filters.source !== undefined) conditions.push(sql`${filters.source} = ANY(f.sources)`);
  if (filters.kev !== undefined) conditions.push(sql`f.kev = ${filters.kev}`);
  if (filters.minEpss !== undefined) conditions.push(sql`v.epss_score >= ${Math.fround(filters.minEpss)}`);
  if (filters.cwe !== undefined) conditions.push(sql`v.cwes @> ARRAY[${filters.cwe}]`);
  if (filters.minEpss !== undefined || filters.cwe !== undefined) joins.add('vulnerability');
  if (filters.fixAvailable !== undefined) conditions.push(sql`f.fixable = ${filters.fixAvailable}`);
  if (filters.direct !== undefined) conditions.push(sql`sc.direct = ${filters.direct}`);
  if (filters.componentId !== undefined) conditions.push(sql`f.component_id = ${filters.componentId}`);
  if (filters.discoveredAfter !== undefined) conditions.push(sql`f.first_detected_at >= ${filters.discoveredAfter}`);
  if (filters.discoveredBefore !== undefined) conditions.push(sql`f.first_detected_at < ${filters.discoveredBefore}`);
  return { conditions, needs: { joins, place: filters.direct !== undefined } };
}

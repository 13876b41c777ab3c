/** Vulnerabilities over all projects that a caller may see, and where each of them reaches. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Severity } from '../core/severity.ts';
import type { FindingStatus } from './components.ts';
import type { Db } from './connect.ts';
import { TRIGRAM, vulnerabilityContains } from './findings.ts';
import { containing, orderAndPage, where, type Expressions } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import { projectVisible } from './scopes.ts';
import { severityRank } from './severity.ts';

export interface VulnerabilityRow {
  cve_id: string;
  aliases: string[];
  summary: string | null;
  severity: Severity;
  cvss_score: number | null;
  epss_score: number | null;
  epss_percentile: number | null;
  kev: boolean;
  published_at: string | null;
  modified_at: string | null;
  fix_available: boolean;
  finding_count: number;
  project_count: number;
  first_detected_at: string | null;
}

/** Which findings count. */
export interface ReachFilters {
  status: readonly FindingStatus[];
  teamId?: string | undefined;
}

export interface VulnerabilityFilters extends ReachFilters {
  text?: string | undefined;
  severity?: readonly string[] | undefined;
  kev?: boolean | undefined;
  minEpss?: number | undefined;
  fixAvailable?: boolean | undefined;
}

const SORTABLE: Expressions = {
  severity: severityRank(sql`v.severity`), cvss: sql`v.cvss_score`, epss: sql`v.epss_score`, kev: sql`v.kev_added_on IS NOT NULL`, cve_id: sql`v.external_id`, published_at: sql`v.published_at`, modified_at: sql`v.modified_at`,
};
const KEYS: Expressions = Object.fromEntries(Object.keys(SORTABLE).map((field) => [field, sql.ref(field)]));
const COLUMNS = sql`v.external_id AS cve_id, v.aliases, v.summary, v.severity, v.cvss_score, v.epss_score, v.epss_percentile, v.kev_added_on IS NOT NULL AS kev, v.published_at, v.modified_at`;

/** Of `findings f`. States stand in the text, so that the indexes of open findings fit; what is resolved is `fixed`. */
const inStates = (status: readonly FindingStatus[]): RawBuilder<unknown>[] => [sql`f.status IN (${sql.join(status.map((one) => sql.lit(one)))})`, ...(status.includes('fixed') ? [sql`f.resolved_at IS NULL`] : [])];

/** On `findings f` and `projects p`: in a current scan of a project that is not archived and may be seen. */
const counted = (visibility: Visibility, { status, teamId }: ReachFilters): RawBuilder<unknown>[] => [
  ...inStates(status), sql`p.archived_at IS NULL`, ...projectVisible(visibility), ...(teamId === undefined ? [] : [sql`p.team_id = ${teamId}`]),
];

/** How far each `vulnerabilities v` reaches. */
const reach = (visibility: Visibility, filters: ReachFilters): RawBuilder<unknown> => sql`
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS finding_count, count(DISTINCT f.project_id)::int AS project_count, coalesce(bool_or(f.fixable), false) AS fix_available, min(f.first_detected_at) AS first_detected_at
    FROM findings f JOIN projects p ON p.id = f.project_id ${where([sql`f.vulnerability_id = v.id`, ...counted(visibility, filters)])}
  ) reached`;
const REACHED = sql`reached.finding_count, reached.project_count, reached.fix_available, reached.first_detected_at`;

/**
 * The ids of vulnerabilities that have findings, one index probe each: who sees all projects would else have millions of findings read to see a few thousand vulnerabilities in them.
 */
const found = (status: readonly FindingStatus[]): RawBuilder<unknown> => sql`found (id) AS (
      (SELECT f.vulnerability_id FROM findings f ${where(inStates(status))} ORDER BY f.vulnerability_id LIMIT 1)
      UNION ALL SELECT (SELECT f.vulnerability_id FROM findings f ${where([...inStates(status), sql`f.vulnerability_id > found.id`])} ORDER BY f.vulnerability_id LIMIT 1) FROM found WHERE found.id IS NOT NULL
    )`;

/** A page is found by ids first; how far they reach is counted for the page only. */
export async function listReaching(db: Db, visibility: Visibility, filters: VulnerabilityFilters, page: PageRequest): Promise<{ items: VulnerabilityRow[]; total: number }> {
  const keys = page.sort.map(({ field }) => sql`, ${SORTABLE[field]} AS ${sql.ref(field)}`);
  const { rows } = await sql<{ total: number; ids: number[] }>`${plannedAnew}
    WITH RECURSIVE ${hitsOf(visibility, filters, sql.join([sql`v.id`, ...keys], sql``))}
    SELECT (SELECT count(*)::int FROM hit) AS total, ARRAY(SELECT id FROM hit ${orderAndPage(page, KEYS, sql`id`)}) AS ids`.execute(db);
  const { total, ids } = rows[0] ?? { total: 0, ids: [] };
  if (ids.length === 0) return { items: [], total };
  const items = await sql<VulnerabilityRow>`
    SELECT ${COLUMNS}, ${REACHED} FROM unnest(${ids}::bigint[]) WITH ORDINALITY AS chosen (id, place) JOIN vulnerabilities v ON v.id = chosen.id ${reach(visibility, filters)} ORDER BY chosen.place`.execute(db);
  return { items: items.rows, total };
}

const OPEN: readonly FindingStatus[] = ['new', 'analyzing', 'exploitable'];

/** `hit`: those that fit. For who sees few projects, and for decided findings, PostgreSQL chooses where to start; else from the vulnerabilities: from those that have findings, unless few fit anyway. */
function hitsOf(visibility: Visibility, filters: VulnerabilityFilters, columns: RawBuilder<unknown>): RawBuilder<unknown> {
  const { text, kev, minEpss, fixAvailable, teamId } = filters;
  const reaching = where([sql`f.vulnerability_id = v.id`, ...counted(visibility, filters), ...(fixAvailable === undefined ? [] : [sql`f.fixable = ${fixAvailable}`])]);
  const own = conditionsOf(filters);
  if (teamId !== undefined || projectVisible(visibility).length > 0 || !filters.status.every((one) => OPEN.includes(one))) {
    return sql`hit AS MATERIALIZED (SELECT ${columns} FROM vulnerabilities v ${where([sql`EXISTS (SELECT FROM findings f JOIN projects p ON p.id = f.project_id ${reaching})`, ...own])})`;
  }
  const probed = sql`CROSS JOIN LATERAL (SELECT FROM findings f JOIN projects p ON p.id = f.project_id ${reaching} LIMIT 1) one`;
  if (text !== undefined || kev === true || minEpss !== undefined) return sql`hit AS MATERIALIZED (SELECT ${columns} FROM vulnerabilities v ${probed} ${where(own)})`;
  return sql`${found(filters.status)}, hit AS MATERIALIZED (SELECT ${columns} FROM found JOIN vulnerabilities v ON v.id = found.id ${probed} ${where(own)})`;
}

function conditionsOf({ text, severity, kev, minEpss }: VulnerabilityFilters): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (text !== undefined && text.length >= TRIGRAM) conditions.push(vulnerabilityContains(containing(text)));
  else if (text !== undefined) conditions.push(sql`(v.external_id ILIKE ${containing(text)} OR v.summary ILIKE ${containing(text)} OR EXISTS (SELECT FROM unnest(v.aliases) alias WHERE alias ILIKE ${containing(text)}))`);
  if (severity !== undefined) conditions.push(sql`v.severity = ANY(${severity})`);
  if (kev !== undefined) conditions.push(kev ? sql`v.kev_added_on IS NOT NULL` : sql`v.kev_added_on IS NULL`);
  if (minEpss !== undefined) conditions.push(sql`v.epss_score >= ${Math.fround(minEpss)}`);
  return conditions;
}

/** The vulnerability of this name, its own or an alias. */
export async function findVulnerabilityId(db: Db, name: string): Promise<number | undefined> {
  const { rows } = await sql<{ id: number }>`
    SELECT id FROM vulnerabilities WHERE external_id = ${name} OR aliases @> ARRAY[${name}] ORDER BY external_id = ${name} DESC, id LIMIT 1`.execute(db);
  return rows[0]?.id;
}

type Detail = components['schemas']['VulnerabilityDetail'];

export interface VulnerabilityDetailRow extends VulnerabilityRow {
  details: string | null;
  severity_source: Detail['severity_source'];
  cvss_vector: string | null;
  kev_added_on: string | null;
  kev_due_on: string | null;
  cwes: string[];
  refs: { type: string; url: string }[];
  withdrawn_at: string | null;
}

export async function findVulnerability(db: Db, id: number, visibility: Visibility, filters: ReachFilters): Promise<VulnerabilityDetailRow | undefined> {
  const { rows } = await sql<VulnerabilityDetailRow>`
    SELECT ${COLUMNS}, v.details, v.severity_source, v.cvss_vector, v.kev_added_on, v.kev_due_on, v.cwes, v.refs, v.withdrawn_at, ${REACHED} FROM vulnerabilities v ${reach(visibility, filters)} WHERE v.id = ${id}`.execute(db);
  return rows[0];
}

const MAX_ADVISORIES = 200;
const MAX_RANGES = 1_000;
const MAX_VERSIONS = 100;

export async function advisoriesOf(db: Db, id: number): Promise<Detail['advisories']> {
  const { rows } = await sql<Detail['advisories'][number]>`
    SELECT id, origin AS source, modified_at, withdrawn_at FROM advisories WHERE vulnerability_id = ${id} ORDER BY id LIMIT ${sql.lit(MAX_ADVISORIES)}`.execute(db);
  return rows;
}

export async function affectedBy(db: Db, id: number): Promise<Detail['affected']> {
  const { rows } = await sql<Detail['affected'][number]>`
    SELECT r.advisory_id, r.ecosystem, r.match_name AS package, r.introduced, r.fixed, r.last_affected, r.limited AS "limit", r.exact[1:${sql.lit(MAX_VERSIONS)}] AS versions
    FROM advisories a JOIN advisory_ranges r ON r.advisory_id = a.id WHERE a.vulnerability_id = ${id}
    ORDER BY r.ecosystem, r.match_name, r.introduced_key NULLS LAST, r.advisory_id, r.id LIMIT ${sql.lit(MAX_RANGES)}`.execute(db);
  return rows;
}

export type VulnerabilityProjectRow = components['schemas']['VulnerabilityProject'];

const PROJECT_SORT: Expressions = { priority: sql`f.priority`, project: sql`p.name`, component: sql`c.purl`, status: sql`f.status`, discovered_at: sql`f.first_detected_at` };

export async function listReached(db: Db, visibility: Visibility, id: number, filters: ReachFilters & { mainLine?: boolean | undefined }, page: PageRequest): Promise<{ items: VulnerabilityProjectRow[]; total: number }> {
  const conditions = [sql`f.vulnerability_id = ${id}`, ...counted(visibility, filters), ...(filters.mainLine === undefined ? [] : [sql`f.in_current_scan = ${filters.mainLine}`])];
  const from = sql`FROM findings f JOIN projects p ON p.id = f.project_id JOIN components c ON c.id = f.component_id ${where(conditions)}`;
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${from}`.execute(db);
  const items = await sql<VulnerabilityProjectRow>`
    SELECT f.id AS finding_id, p.id AS project_id, p.name AS project_name, p.slug AS project_slug, p.team_id, t.name AS team_name, c.id AS component_id, c.purl, pk.name AS component_name,
      pv.version AS component_version, f.status, m.fixed_version, sc.direct, f.in_current_scan AS main_line, ${REFS} AS refs, f.priority, f.first_detected_at AS discovered_at
    FROM unnest(ARRAY(SELECT f.id ${from} ${orderAndPage(page, PROJECT_SORT, sql`f.id`)})) WITH ORDINALITY AS chosen (id, place)
    JOIN findings f ON f.id = chosen.id JOIN projects p ON p.id = f.project_id JOIN teams t ON t.id = p.team_id
    JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    LEFT JOIN scan_components sc ON sc.scan_id = p.current_scan_id AND sc.component_id = c.id
    ORDER BY chosen.place`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

const MAX_REFS = 20;

/** Of `components c`: the refs whose current scan has it. For a page only. */
export const REFS = sql`ARRAY(
  SELECT s.ref FROM scan_components x JOIN scans s ON s.id = x.scan_id WHERE x.component_id = c.id AND s.is_current ORDER BY s.ref NULLS FIRST LIMIT ${sql.lit(MAX_REFS)})`;

/** The list of a scan's components: found in one index (scan_components_list_idx), then read for the page only. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import { SEVERITIES } from '../core/severity.ts';
import { componentsAt, type ComponentRow } from './components.ts';
import type { Db } from './connect.ts';
import { orderAndPage, where, type Expressions } from './paging.ts';
import { plannedAnew } from './prepared.ts';

export interface ComponentFilters {
  text?: string | undefined;
  severity?: readonly string[] | undefined;
  vulnerable?: boolean | undefined;
  fixAvailable?: boolean | undefined;
  licenseTier?: readonly string[] | undefined;
  /** SPDX ids as expressions write them. */
  license?: readonly string[] | undefined;
  /** Package URL types. */
  purlType?: readonly string[] | undefined;
  direct?: boolean | undefined;
  scope?: readonly string[] | undefined;
}

const SORTABLE: Expressions = {
  name: sql`name_rank`, version: sql`version_rank`, purl: sql`sc.ordinal`, license: sql`license_rank`, depth: sql`depth`,
  license_tier: sql`CASE license_tier WHEN 'allowed' THEN 3 WHEN 'unknown' THEN 1 WHEN 'forbidden' THEN 0 ELSE 2 END`,
  severity: sql`coalesce(worst, 6)`, vulnerability_count: sql`coalesce(total, 0)`,
};
/** The same by name, once they are worked out. */
const KEYS: Expressions = Object.fromEntries(Object.keys(SORTABLE).map((field) => [field, sql.ref(field)]));
const BY_FINDINGS = new Set(['severity', 'vulnerability_count']);

/** A page of a scan's components in the order of the keys, then of the package URLs. */
export async function listScanComponents(db: Db, at: { projectId: string; scanId: string }, filters: ComponentFilters, page: PageRequest): Promise<{ items: ComponentRow[]; total: number }> {
  const own = ownConditions(filters, at.scanId);
  const ofFindings = findingConditions(filters);
  const withFindings = ofFindings.length > 0 || page.sort.some(({ field }) => BY_FINDINGS.has(field));
  const open = withFindings ? [openFindings(at.projectId)] : [];
  const from = sql`
    FROM scan_components sc ${withFindings ? sql`LEFT JOIN open ON open.component_id = sc.component_id` : sql``}
    ${where([sql`sc.scan_id = ${at.scanId}`, ...own, ...ofFindings])}`;
  const anew = withFindings ? plannedAnew : sql``; // without them there is but one plan
  const found = own.length === 0 && (ofFindings.length === 0 || fitsWithoutFindings(filters))
    ? sql<Found>`${anew}
      ${withQueries(open)}
      SELECT ${totalWithout(at.scanId, ofFindings)} AS total, ARRAY(SELECT sc.ordinal ${from} ${pageUp(page, SORTABLE, sql`sc.ordinal`)}) AS ordinals`
    : sql<Found>`${anew}
      ${withQueries([...open, sql`hit AS MATERIALIZED (SELECT ${sql.join([sql`sc.ordinal`, ...page.sort.map(({ field }) => sql`${SORTABLE[field]} AS ${sql.ref(field)}`)])} ${from})`])}
      SELECT (SELECT count(*)::int FROM hit) AS total, ARRAY(SELECT ordinal FROM hit ${pageUp(page, KEYS, sql`ordinal`)}) AS ordinals`;
  const { rows } = await found.execute(db);
  const { total, ordinals } = rows[0] ?? { total: 0, ordinals: [] };
  return { items: ordinals.length === 0 ? [] : await componentsAt(db, at.scanId, ordinals), total };
}

/** Ties go up, as the index does: the other way the best rows would come last, and each would move all others. */
const pageUp = (page: PageRequest, sortable: Expressions, ordinal: RawBuilder<unknown>): RawBuilder<unknown> => orderAndPage(page, sortable, ordinal, 'ascending');

const fitsWithoutFindings = ({ severity, vulnerable, fixAvailable }: ComponentFilters): boolean =>
  (severity === undefined || severity.includes('none')) && vulnerable !== true && fixAvailable === undefined;

/** Most components have no findings: where those fit, the others that do not are counted and taken from the scan's own total. */
function totalWithout(scanId: string, ofFindings: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  const total = sql`coalesce((SELECT component_count FROM scans WHERE id = ${scanId}), 0)`;
  if (ofFindings.length === 0) return total;
  return sql`(${total} - (
    SELECT count(*) FROM open JOIN scan_components sc ON sc.scan_id = ${scanId} AND sc.component_id = open.component_id WHERE NOT (${sql.join(ofFindings, sql` AND `)})))::int`;
}

interface Found {
  total: number;
  ordinals: number[];
}

const withQueries = (queries: readonly RawBuilder<unknown>[]): RawBuilder<unknown> => (queries.length === 0 ? sql`` : sql`WITH ${sql.join(queries)}`);

/** Once for all components of the project that have any: the number of open findings, the worst severity's rank and whether one has a fix. From findings_of_gate_idx alone. */
const openFindings = (projectId: string): RawBuilder<unknown> => sql`open AS MATERIALIZED (
    SELECT f.component_id, count(*)::int AS total, min(f.severity_rank)::int AS worst, bool_or(f.fixable) AS fixable
    FROM findings f WHERE f.project_id = ${projectId} AND f.status IN ('new', 'analyzing', 'exploitable') GROUP BY f.component_id)`;

const RANKS: readonly string[] = [...SEVERITIES, 'none'];

function findingConditions(filters: ComponentFilters): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.severity !== undefined) conditions.push(sql`coalesce(open.worst, 6) = ANY(${filters.severity.map((severity) => RANKS.indexOf(severity))}::int[])`);
  if (filters.vulnerable !== undefined) conditions.push(filters.vulnerable ? sql`open.total > 0` : sql`open.total IS NULL`);
  if (filters.fixAvailable !== undefined) conditions.push(sql`open.fixable = ${filters.fixAvailable}`);
  return conditions;
}

function ownConditions(filters: ComponentFilters, scanId: string): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  // in a SELECT of its own, so that it is worked out once and not for each row
  if (filters.text !== undefined) conditions.push(sql`strpos(sc.search, (SELECT component_search(${filters.text}))) > 0`);
  if (filters.purlType !== undefined) conditions.push(sql`split_part(sc.search, '/', 1) = ANY(${filters.purlType.map((type) => `pkg:${type}`)})`);
  if (filters.licenseTier !== undefined) conditions.push(sql`sc.license_tier = ANY(${filters.licenseTier})`);
  if (filters.license !== undefined) conditions.push(sql`sc.license_rank = ANY(ARRAY(${ranksOfLicenses(scanId, filters.license)}))`);
  if (filters.direct !== undefined) conditions.push(sql`sc.direct = ${filters.direct}`);
  if (filters.scope !== undefined) conditions.push(sql`sc.scope = ANY(${filters.scope})`);
  return conditions;
}

/** Places of the scan's expressions that name one of the licences, alone or in a compound. */
function ranksOfLicenses(scanId: string, ids: readonly string[]): RawBuilder<unknown> {
  return sql`
    SELECT e.place::int FROM scans s, unnest(s.license_expressions) WITH ORDINALITY AS e (expression, place)
    WHERE s.id = ${scanId} AND string_to_array(translate(e.expression, '()', ''), ' ') && ${ids}::text[]`;
}

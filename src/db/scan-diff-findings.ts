/** What two scans of a project differ in by vulnerabilities, which follows from their components; and the counts of both. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Severity } from '../core/severity.ts';
import type { FindingStatus } from './components.ts';
import type { Db } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import { changeOf, diffOf, sides, type Change, type ScanPair } from './scan-diff.ts';
import { countsBySeverity, severityRank } from './severity.ts';

/**
 * What is said of rows `m` of a relation, by the package version and the component of each: by the matcher, and by Dependency-Track alone. Nobody can plan for how many rows differ:
 * each is looked up by itself (OFFSET 0), here and below, where a join would be planned for millions and read every match and every finding of the installation.
 */
const spokenOf = (relation: RawBuilder<unknown>, version: string, component: string): RawBuilder<unknown> => sql`
  SELECT m.*, spoken.* FROM ${relation} m CROSS JOIN LATERAL (
    SELECT x.vulnerability_id, x.fixed_version FROM matches x WHERE x.package_version_id = m.${sql.ref(version)}
    UNION ALL SELECT o.vulnerability_id, NULL FROM second_opinions o WHERE o.component_id = m.${sql.ref(component)}
      AND NOT EXISTS (SELECT FROM matches x WHERE x.package_version_id = m.${sql.ref(version)} AND x.vulnerability_id = o.vulnerability_id) OFFSET 0
  ) spoken`;

/** Vulnerabilities of components that are not the same row in both scans, by pair: one that goes along with a new version is `changed`. */
const findingsOf = (pair: ScanPair): RawBuilder<unknown> => sql`
  moved AS MATERIALIZED (
    SELECT d.pair, b.component_id AS base_id, h.component_id AS head_id, b.package_version_id AS base_version, h.package_version_id AS head_version ${sides(pair)}
    WHERE b.component_id IS DISTINCT FROM h.component_id
  ), found AS MATERIALIZED (
    SELECT coalesce(b.vulnerability_id, h.vulnerability_id) AS vulnerability_id, b.base_id, h.head_id, coalesce(b.pair, h.pair) AS pair, b.pair AS base_pair, h.pair AS head_pair, coalesce(h.fixed_version, b.fixed_version) AS fixed_version
    FROM (${spokenOf(sql`moved`, 'base_version', 'base_id')}) b
    FULL JOIN (${spokenOf(sql`moved`, 'head_version', 'head_id')}) h ON h.pair = b.pair AND h.vulnerability_id = b.vulnerability_id
  )`;

export interface DiffCounts {
  components: Record<Change | 'unchanged', number>;
  findings: Record<Change | 'unchanged', number> & { added_by_severity: Record<Severity, number>; removed_by_severity: Record<Severity, number> };
}

const bySeverity = (condition: RawBuilder<unknown>): RawBuilder<unknown> => countsBySeverity((severity) => sql`v.severity = ${sql.lit(severity)} AND ${condition}`);

export async function countDiff(db: Db, pair: ScanPair): Promise<DiffCounts> {
  const counts = (base: RawBuilder<unknown>, head: RawBuilder<unknown>, total: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    'added', count(*) FILTER (WHERE ${base} IS NULL), 'changed', count(*) FILTER (WHERE ${base} IS NOT NULL AND ${head} IS NOT NULL), 'removed', count(*) FILTER (WHERE ${head} IS NULL),
    'unchanged', ${total} - count(*) FILTER (WHERE ${head} IS NOT NULL)`;
  const counted = sql<DiffCounts>`${plannedAnew}
    WITH ${diffOf(pair)}, ${findingsOf(pair)}
    SELECT (SELECT json_build_object(${counts(sql`base`, sql`head`, sql`(SELECT count(*) FROM scan_components WHERE scan_id = ${pair.head})`)}) FROM diff) AS components,
      (SELECT json_build_object(${counts(sql`base_pair`, sql`head_pair`, sql`(SELECT count(*) FROM (${spokenOf(sql`(SELECT package_version_id, component_id FROM scan_components WHERE scan_id = ${pair.head})`, 'package_version_id', 'component_id')}) spoken)`)},
        'added_by_severity', ${bySeverity(sql`base_pair IS NULL`)}, 'removed_by_severity', ${bySeverity(sql`head_pair IS NULL`)})
       FROM found JOIN vulnerabilities v ON v.id = found.vulnerability_id) AS findings`;
  const { rows: [first] } = await counted.execute(db);
  if (first === undefined) throw new Error('an aggregate gave no row');
  return first;
}

export interface FindingChangeRow {
  change: Change;
  /** Null where the component was in no current scan since the vulnerability became known. */
  finding_id: string | null;
  status: FindingStatus | null;
  cve_id: string;
  severity: Severity;
  cvss_score: number | null;
  kev: boolean;
  summary: string | null;
  fixed_version: string | null;
  from: AffectedVersion | null;
  to: AffectedVersion | null;
}

interface AffectedVersion {
  component_id: string;
  name: string;
  version: string;
  purl: string;
}

export interface FindingChangeFilters {
  change?: readonly string[] | undefined;
  severity?: readonly string[] | undefined;
  status?: readonly string[] | undefined;
}

const SORTABLE = { change: sql`change`, severity: severityRank(sql`severity`), cvss: sql`cvss_score`, cve_id: sql`cve_id`, component: sql`name` };
const side = (alias: string): RawBuilder<unknown> => {
  const [component, version] = [sql.ref(`${alias}c`), sql.ref(`${alias}v`)];
  return sql`CASE WHEN ${component}.id IS NOT NULL THEN json_build_object('component_id', ${component}.id, 'name', k.name, 'version', ${version}.version, 'purl', ${component}.purl) END`;
};

/** All changes are known by what they are sorted and filtered by; the rest is read for the page alone. */
export async function listFindingChanges(db: Db, pair: ScanPair, filters: FindingChangeFilters, page: PageRequest): Promise<{ items: FindingChangeRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.change !== undefined) conditions.push(sql`change = ANY(${filters.change})`);
  if (filters.severity !== undefined) conditions.push(sql`severity = ANY(${filters.severity})`);
  if (filters.status !== undefined) conditions.push(sql`status = ANY(${filters.status})`);
  const finding = sql`LEFT JOIN LATERAL (SELECT f.id, f.status FROM findings f WHERE f.component_id = coalesce(x.head_id, x.base_id) AND f.vulnerability_id = x.vulnerability_id OFFSET 0) f ON true`;
  const every = sql`
    SELECT x.vulnerability_id, x.base_id, x.head_id, x.fixed_version, ${changeOf(sql`x.base_id`, sql`x.head_id`)} AS change, v.external_id AS cve_id, v.severity, v.cvss_score,
      n.name, CASE WHEN x.head_id IS NULL THEN n.base_purl ELSE n.head_purl END AS purl ${filters.status === undefined ? sql`` : sql`, f.status`}
    FROM found x JOIN named n ON n.pair = x.pair
    CROSS JOIN LATERAL (SELECT v.external_id, v.severity, v.cvss_score FROM vulnerabilities v WHERE v.id = x.vulnerability_id OFFSET 0) v ${filters.status === undefined ? sql`` : finding}`;
  const paged = sql<{ total: number; items: FindingChangeRow[] }>`${plannedAnew}
    WITH ${diffOf(pair)}, ${findingsOf(pair)}, named AS MATERIALIZED (
      SELECT m.pair, k.name, bc.purl AS base_purl, hc.purl AS head_purl FROM moved m
      LEFT JOIN LATERAL (SELECT c.purl FROM components c WHERE c.id = m.base_id OFFSET 0) bc ON true
      LEFT JOIN LATERAL (SELECT c.purl FROM components c WHERE c.id = m.head_id OFFSET 0) hc ON true
      CROSS JOIN LATERAL (SELECT k.name FROM package_versions p JOIN packages k ON k.id = p.package_id WHERE p.id = coalesce(m.head_version, m.base_version) OFFSET 0) k
    ), listed AS MATERIALIZED (SELECT * FROM (${every}) every ${where(conditions)}),
    paged AS MATERIALIZED (SELECT row_number() OVER () AS place, sorted.* FROM (SELECT * FROM listed ${orderAndPage(page, SORTABLE, sql`purl || ' ' || cve_id`)}) sorted),
    filled AS (
      SELECT x.place, x.change, f.id AS finding_id, f.status, x.cve_id, x.severity, x.cvss_score, v.kev_added_on IS NOT NULL AS kev, v.summary, x.fixed_version, ${side('b')} AS "from", ${side('h')} AS "to"
      FROM paged x JOIN vulnerabilities v ON v.id = x.vulnerability_id CROSS JOIN LATERAL (SELECT x.name) k ${finding}
      LEFT JOIN components bc ON bc.id = x.base_id LEFT JOIN package_versions bv ON bv.id = bc.package_version_id
      LEFT JOIN components hc ON hc.id = x.head_id LEFT JOIN package_versions hv ON hv.id = hc.package_version_id
    )
    SELECT (SELECT count(*)::int FROM listed) AS total, coalesce((SELECT jsonb_agg(to_jsonb(filled) - 'place' ORDER BY place) FROM filled), '[]') AS items`;
  const { rows } = await paged.execute(db);
  return rows[0] ?? { items: [], total: 0 };
}

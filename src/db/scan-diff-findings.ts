/** What two scans of a project differ in by vulnerabilities, which follows from their components; and the counts of both. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import { severityRank, type FindingStatus, type Severity } from './components.ts';
import type { Db } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { changeOf, diffOf, sides, type Change, type ScanPair } from './scan-diff.ts';
import { planned } from './transaction.ts';

/** What is said of rows `m` of a relation, by the package version and the component of each: by the matcher, and by Dependency-Track alone. */
const spokenOf = (relation: RawBuilder<unknown>, version: string, component: string): RawBuilder<unknown> => sql`
  SELECT m.*, x.vulnerability_id, x.fixed_version FROM ${relation} m JOIN matches x ON x.package_version_id = m.${sql.ref(version)}
  UNION ALL SELECT m.*, o.vulnerability_id, NULL FROM ${relation} m JOIN second_opinions o ON o.component_id = m.${sql.ref(component)}
  WHERE NOT EXISTS (SELECT FROM matches x WHERE x.package_version_id = m.${sql.ref(version)} AND x.vulnerability_id = o.vulnerability_id)`;

/** Vulnerabilities of components that are not the same row in both scans, by pair: one that goes along with a new version is `changed`. */
const findingsOf = (pair: ScanPair): RawBuilder<unknown> => sql`
  moved AS MATERIALIZED (
    SELECT d.pair, b.component_id AS base_id, h.component_id AS head_id, b.package_version_id AS base_version, h.package_version_id AS head_version ${sides(pair)}
    WHERE b.component_id IS DISTINCT FROM h.component_id
  ), found AS MATERIALIZED (
    SELECT coalesce(b.vulnerability_id, h.vulnerability_id) AS vulnerability_id, b.base_id, h.head_id, b.pair AS base_pair, h.pair AS head_pair, coalesce(h.fixed_version, b.fixed_version) AS fixed_version
    FROM (${spokenOf(sql`moved`, 'base_version', 'base_id')}) b
    FULL JOIN (${spokenOf(sql`moved`, 'head_version', 'head_id')}) h ON h.pair = b.pair AND h.vulnerability_id = b.vulnerability_id
  )`;

export interface DiffCounts {
  components: Record<Change | 'unchanged', number>;
  findings: Record<Change | 'unchanged', number> & { added_by_severity: Record<Severity, number>; removed_by_severity: Record<Severity, number> };
}

const bySeverity = (condition: RawBuilder<unknown>): RawBuilder<unknown> => sql`json_build_object(${sql.join(
  ['critical', 'high', 'medium', 'low', 'info', 'unknown'].flatMap((severity) => [sql.lit(severity), sql`count(*) FILTER (WHERE v.severity = ${sql.lit(severity)} AND ${condition})`]))})`;

export async function countDiff(db: Db, pair: ScanPair): Promise<DiffCounts> {
  const counts = (base: RawBuilder<unknown>, head: RawBuilder<unknown>, total: RawBuilder<unknown>): RawBuilder<unknown> => sql`
    'added', count(*) FILTER (WHERE ${base} IS NULL), 'changed', count(*) FILTER (WHERE ${base} IS NOT NULL AND ${head} IS NOT NULL), 'removed', count(*) FILTER (WHERE ${head} IS NULL),
    'unchanged', ${total} - count(*) FILTER (WHERE ${head} IS NOT NULL)`;
  const counted = sql<DiffCounts>`
    WITH ${diffOf(pair)}, ${findingsOf(pair)}
    SELECT (SELECT json_build_object(${counts(sql`base`, sql`head`, sql`(SELECT count(*) FROM scan_components WHERE scan_id = ${pair.head})`)}) FROM diff) AS components,
      (SELECT json_build_object(${counts(sql`base_pair`, sql`head_pair`, sql`(SELECT count(*) FROM (${spokenOf(sql`(SELECT package_version_id, component_id FROM scan_components WHERE scan_id = ${pair.head})`, 'package_version_id', 'component_id')}) spoken)`)},
        'added_by_severity', ${bySeverity(sql`base_pair IS NULL`)}, 'removed_by_severity', ${bySeverity(sql`head_pair IS NULL`)})
       FROM found JOIN vulnerabilities v ON v.id = found.vulnerability_id) AS findings`;
  const { rows: [first] } = await planned(db, (tx) => counted.execute(tx));
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

export async function listFindingChanges(db: Db, pair: ScanPair, filters: FindingChangeFilters, page: PageRequest): Promise<{ items: FindingChangeRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.change !== undefined) conditions.push(sql`change = ANY(${filters.change})`);
  if (filters.severity !== undefined) conditions.push(sql`severity = ANY(${filters.severity})`);
  if (filters.status !== undefined) conditions.push(sql`status = ANY(${filters.status})`);
  const listed = sql`
    SELECT ${changeOf(sql`x.base_id`, sql`x.head_id`)} AS change, f.id AS finding_id, f.status, v.external_id AS cve_id, v.severity, v.cvss_score, v.kev_added_on IS NOT NULL AS kev, v.summary, x.fixed_version,
      k.name, coalesce(hc.purl, bc.purl) AS purl, ${side('b')} AS "from", ${side('h')} AS "to"
    FROM found x JOIN vulnerabilities v ON v.id = x.vulnerability_id
    LEFT JOIN components bc ON bc.id = x.base_id LEFT JOIN package_versions bv ON bv.id = bc.package_version_id
    LEFT JOIN components hc ON hc.id = x.head_id LEFT JOIN package_versions hv ON hv.id = hc.package_version_id
    JOIN packages k ON k.id = coalesce(hv.package_id, bv.package_id)
    LEFT JOIN findings f ON f.component_id = coalesce(x.head_id, x.base_id) AND f.vulnerability_id = x.vulnerability_id`;
  const paged = sql<{ total: number; items: FindingChangeRow[] }>`
    WITH ${diffOf(pair)}, ${findingsOf(pair)}, listed AS MATERIALIZED (SELECT * FROM (${listed}) every ${where(conditions)}),
    paged AS (SELECT row_number() OVER () AS place, sorted.* FROM (SELECT * FROM listed ${orderAndPage(page, SORTABLE, sql`purl || ' ' || cve_id`)}) sorted)
    SELECT (SELECT count(*)::int FROM listed) AS total,
      coalesce((SELECT jsonb_agg(to_jsonb(paged) - '{place,name,purl}'::text[] ORDER BY place) FROM paged), '[]') AS items`;
  const { rows } = await planned(db, (tx) => paged.execute(tx));
  return rows[0] ?? { items: [], total: 0 };
}

/** What differs between two scans of a project: one set-based query pairs their components. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import { effectiveLicense, type DependencyScope, type Tier } from './components.ts';
import type { Db } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';

/** `base` null: against nothing, so that all is added. */
export interface ScanPair {
  base: string | null;
  head: string;
}

export type Change = 'added' | 'changed' | 'removed';

/** Qualifiers that say where a package comes from rather than which one it is. */
const PLACES = '(distro|repository_url|vcs_url|download_url|checksum|file_name)=[^&#]*&?';
const NEWEST = sql`version_key DESC NULLS LAST, version DESC, purl DESC`;

/**
 * `diff (pair, base, head)`: ordinals in both scans of what is not the same in both; null where one has it not. A component that only one
 * scan has belongs to one of the other that is the same package but for its version: the newest with the newest among those of the same major version, then
 * among what is left. Pairs are found by grouping: a join would be planned for a handful of rows, one by one, and take quadratic time where thousands differ.
 */
export const diffOf = ({ base, head }: ScanPair): RawBuilder<unknown> => (base === null ? sql`
  diff AS MATERIALIZED (SELECT ordinal AS pair, NULL::integer AS base, ordinal AS head FROM scan_components WHERE scan_id = ${head})` : sql`
  met AS MATERIALIZED (
    SELECT b.ordinal AS base, h.ordinal AS head, coalesce(b.component_id, h.component_id) AS component_id
    FROM (SELECT * FROM scan_components WHERE scan_id = ${base}::uuid) b FULL JOIN (SELECT * FROM scan_components WHERE scan_id = ${head}) h ON h.component_id = b.component_id
    WHERE (${effectiveLicense('b')}, b.license_tier, b.scope, b.direct, b.ordinal IS NULL) IS DISTINCT FROM (${effectiveLicense('h')}, h.license_tier, h.scope, h.direct, h.ordinal IS NULL)
  ), lone AS (
    SELECT m.base, m.head, m.base IS NULL AS is_new, k.type, k.namespace, k.name, v.version, v.version_key, c.purl, split_part(v.version, '.', 1) AS major,
      rtrim(regexp_replace(coalesce(substring(c.purl FROM '[?#].*$'), ''), ${sql.lit(PLACES)}, '', 'g'), '?&') AS variant
    FROM met m JOIN components c ON c.id = m.component_id JOIN package_versions v ON v.id = c.package_version_id JOIN packages k ON k.id = v.package_id
    WHERE m.base IS NULL OR m.head IS NULL
  ), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY is_new, type, namespace, name, variant, major ORDER BY ${NEWEST}) AS place FROM lone
  ), ranked AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY type, namespace, name, variant, major, place) AS sides FROM placed
  ), rest AS (
    SELECT *, row_number() OVER (PARTITION BY is_new, type, namespace, name, variant ORDER BY ${NEWEST}) AS turn FROM ranked WHERE sides = 1
  ), pairs AS (
    SELECT base, head FROM met WHERE base IS NOT NULL AND head IS NOT NULL
    UNION ALL SELECT max(base), max(head) FROM ranked WHERE sides = 2 GROUP BY type, namespace, name, variant, major, place
    UNION ALL SELECT max(base), max(head) FROM rest GROUP BY type, namespace, name, variant, turn
  ), diff AS MATERIALIZED (
    SELECT row_number() OVER () AS pair, base, head FROM pairs
  )`);

/** The rows of both scans behind `diff`, or behind some of its rows. */
export const sides = ({ base, head }: ScanPair, diff = sql`diff`): RawBuilder<unknown> => sql`
  FROM ${diff} d
  LEFT JOIN scan_components b ON b.scan_id = ${base}::uuid AND b.ordinal = d.base
  LEFT JOIN scan_components h ON h.scan_id = ${head} AND h.ordinal = d.head`;
export const changeOf = (base: RawBuilder<unknown>, head: RawBuilder<unknown>): RawBuilder<unknown> => sql`CASE WHEN ${base} IS NULL THEN 'added' WHEN ${head} IS NULL THEN 'removed' ELSE 'changed' END`;

export interface DiffedComponent {
  component_id: string;
  version: string;
  purl: string;
  license: string | null;
  license_tier: Tier;
  scope: DependencyScope;
  direct: boolean | null;
}

export interface ComponentChangeRow {
  change: Change;
  /** What differs, of a changed one. */
  changes: ('version' | 'variant' | 'license' | 'license_tier' | 'scope' | 'direct')[];
  name: string;
  namespace: string | null;
  from: DiffedComponent | null;
  to: DiffedComponent | null;
}

const side = (alias: string): RawBuilder<unknown> => {
  const [row, component, version] = [sql.ref(alias), sql.ref(`${alias}c`), sql.ref(`${alias}v`)];
  return sql`CASE WHEN ${row}.ordinal IS NULL THEN NULL ELSE json_build_object('component_id', ${component}.id, 'version', ${version}.version, 'purl', ${component}.purl,
    'license', ${effectiveLicense(alias)}, 'license_tier', ${row}.license_tier, 'scope', ${row}.scope, 'direct', ${row}.direct) END`;
};
const CHANGES = sql`CASE WHEN b.ordinal IS NULL OR h.ordinal IS NULL THEN '{}'::text[] ELSE array_remove(ARRAY[
  CASE WHEN bv.version <> hv.version THEN 'version' WHEN bc.id <> hc.id THEN 'variant' END,
  CASE WHEN ${effectiveLicense('b')} IS DISTINCT FROM ${effectiveLicense('h')} THEN 'license' END, CASE WHEN b.license_tier <> h.license_tier THEN 'license_tier' END,
  CASE WHEN b.scope <> h.scope THEN 'scope' END, CASE WHEN b.direct IS DISTINCT FROM h.direct THEN 'direct' END], NULL) END`;
const COMPONENT_SORT = { change: sql`change`, name: sql`name`, purl: sql`purl` };

/** Each is looked up by itself (OFFSET 0): a join would be planned for more than differ, and read every component of the installation. */
export async function listComponentChanges(db: Db, pair: ScanPair, filters: { change?: readonly string[] | undefined }, page: PageRequest): Promise<{ items: ComponentChangeRow[]; total: number }> {
  const conditions = filters.change === undefined ? [] : [sql`change = ANY(${filters.change})`];
  const listed = sql<{ total: number; items: ComponentChangeRow[] }>`${plannedAnew}
    WITH ${diffOf(pair)}, listed AS MATERIALIZED (
      SELECT * FROM (
        SELECT d.pair, d.base, d.head, ${changeOf(sql`d.base`, sql`d.head`)} AS change, c.name, c.purl
        ${sides(pair)} CROSS JOIN LATERAL (
          SELECT k.name, c.purl FROM components c JOIN package_versions v ON v.id = c.package_version_id JOIN packages k ON k.id = v.package_id
          WHERE c.id = coalesce(h.component_id, b.component_id) OFFSET 0
        ) c
      ) every ${where(conditions)}
    ), paged AS (SELECT row_number() OVER () AS place, sorted.* FROM (SELECT * FROM listed ${orderAndPage(page, COMPONENT_SORT, sql`purl`)}) sorted)
    SELECT (SELECT count(*)::int FROM listed) AS total, coalesce((
      SELECT json_agg(json_build_object('change', d.change, 'changes', ${CHANGES}, 'name', k.name, 'namespace', nullif(k.namespace, ''), 'from', ${side('b')}, 'to', ${side('h')}) ORDER BY d.place)
      ${sides(pair, sql`paged`)}
      LEFT JOIN components bc ON bc.id = b.component_id LEFT JOIN package_versions bv ON bv.id = bc.package_version_id
      LEFT JOIN components hc ON hc.id = h.component_id LEFT JOIN package_versions hv ON hv.id = hc.package_version_id
      JOIN packages k ON k.id = coalesce(hv.package_id, bv.package_id)), '[]') AS items`;
  const { rows } = await listed.execute(db);
  return rows[0] ?? { items: [], total: 0 };
}

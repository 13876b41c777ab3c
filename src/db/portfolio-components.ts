/** Components of current scans over all projects that a caller may see. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import { formatQualifiers, type Purl } from '../core/purl.ts';
import { EFFECTIVE_LICENSE, IN_CURRENT_SCAN } from './components.ts';
import type { Db } from './connect.ts';
import { containing, orderAndPage, where, type Expressions } from './paging.ts';
import { REFS } from './portfolio-vulnerabilities.ts';
import { plannedAnew } from './prepared.ts';
import { projectVisible } from './scopes.ts';

export type PortfolioComponentRow = components['schemas']['PortfolioComponent'];

export interface PortfolioFilters {
  purl: Purl | null;
  text: string | null;
  version: string | null;
  vulnerable?: boolean | undefined;
  teamId?: string | undefined;
}

const SORTABLE: Expressions = { name: sql`pk.name`, version: sql`pv.version`, project: sql`p.name` };
const KEYS: Expressions = Object.fromEntries(Object.keys(SORTABLE).map((field) => [field, sql.ref(field)]));
const OPEN = sql`f.component_id = c.id AND f.status IN ('new', 'analyzing', 'exploitable')`;

export async function listPortfolioComponents(db: Db, visibility: Visibility, filters: PortfolioFilters, page: PageRequest): Promise<{ items: PortfolioComponentRow[]; total: number }> {
  const keys = page.sort.map(({ field }) => sql`, ${SORTABLE[field]} AS ${sql.ref(field)}`);
  const { rows } = await sql<{ total: number; ids: string[] }>`${plannedAnew}
    WITH hit AS MATERIALIZED (
      SELECT c.id ${sql.join(keys, sql``)} FROM packages pk JOIN package_versions pv ON pv.package_id = pk.id JOIN components c ON c.package_version_id = pv.id JOIN projects p ON p.id = c.project_id
      ${where(conditionsOf(visibility, filters))}
    )
    SELECT (SELECT count(*)::int FROM hit) AS total, ARRAY(SELECT id FROM hit ${orderAndPage(page, KEYS, sql`id`)}) AS ids`.execute(db);
  const { total, ids } = rows[0] ?? { total: 0, ids: [] };
  if (ids.length === 0) return { items: [], total };
  const items = await sql<PortfolioComponentRow>`
    SELECT c.id, c.purl, nullif(pk.namespace, '') AS namespace, pk.name, pv.version, p.id AS project_id, p.name AS project_name, p.slug AS project_slug, p.team_id, t.name AS team_name,
      sc.scan_id IS NOT NULL AS main_line, ${REFS} AS refs, sc.direct, sc.scope, ${EFFECTIVE_LICENSE} AS license, sc.license_tier, (SELECT count(*)::int FROM findings f WHERE ${OPEN}) AS vulnerability_count
    FROM unnest(${ids}::uuid[]) WITH ORDINALITY AS chosen (id, place)
    JOIN components c ON c.id = chosen.id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
    JOIN projects p ON p.id = c.project_id JOIN teams t ON t.id = p.team_id
    LEFT JOIN scan_components sc ON sc.scan_id = p.current_scan_id AND sc.component_id = c.id
    ORDER BY chosen.place`.execute(db);
  return { items: items.rows, total };
}

function conditionsOf(visibility: Visibility, { purl, text, version, vulnerable, teamId }: PortfolioFilters): RawBuilder<unknown>[] {
  const conditions = [sql`p.archived_at IS NULL`, ...projectVisible(visibility), IN_CURRENT_SCAN];
  if (purl !== null) conditions.push(...namedBy(purl));
  if (text !== null) conditions.push(sql`(pk.namespace || '/' || pk.name) ILIKE ${containing(text)}`);
  if (version !== null) conditions.push(sql`pv.version = ${version}`);
  if (vulnerable !== undefined) conditions.push(sql`${vulnerable ? sql`` : sql`NOT`} EXISTS (SELECT FROM findings f WHERE ${OPEN})`);
  if (teamId !== undefined) conditions.push(sql`p.team_id = ${teamId}`);
  return conditions;
}

/** A qualifier agrees with a component that does not have it. */
function namedBy({ type, namespace, name, version, qualifiers }: Purl): RawBuilder<unknown>[] {
  const pairs = [...qualifiers].map(([key, value]) => ({ key, value: formatQualifiers(new Map([[key, value]])).slice(key.length + 1) }));
  return [
    sql`pk.type = ${type}`, sql`pk.namespace = ${namespace ?? ''}`, sql`pk.name = ${name}`, ...(version === null ? [] : [sql`pv.version = ${version}`]),
    ...pairs.map(({ key, value }) => sql`coalesce((regexp_match(c.purl, ${`[?&]${key.replaceAll('.', '\\.')}=([^&#]*)`}))[1], ${value}) = ${value}`),
  ];
}

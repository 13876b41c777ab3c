/** Licences of a scan's components: by tier, one row a licence and kind, and what people concluded. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { ConcludedLicense, Tier } from './components.ts';
import type { Db, Tx } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';

export interface ScanLicenseRow {
  license_id: string;
  sample_finding_id: string;
  spdx_id: string;
  name: string;
  tier: Tier;
  kind: 'declared' | 'concluded' | 'detected';
  affected_count: number;
  is_osi_approved: boolean;
  is_fsf_libre: boolean | null;
}

export interface LicenseFilters {
  tier?: readonly string[] | undefined;
  kind?: readonly string[] | undefined;
  text?: string | undefined;
}

const TIER = sql`coalesce(r.tier, l.tier)`;
const TIER_RANK = sql`CASE l.tier WHEN 'forbidden' THEN 0 WHEN 'unknown' THEN 1 WHEN 'conditional' THEN 2 ELSE 3 END`;
const SORTABLE = { tier: TIER_RANK, name: sql`l.name`, spdx_id: sql`l.spdx_id`, affected_count: sql`l.affected_count` };

/** Counted by the indexes alone, once for page and total. @param rules tiers that policies give to licences, by SPDX id; the catalogue's are in the rows */
export async function listScanLicenses(db: Db, scanId: string, rules: ReadonlyMap<string, { tier: Tier }>, filters: LicenseFilters, page: PageRequest): Promise<{ items: ScanLicenseRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (filters.tier !== undefined) conditions.push(sql`${TIER} = ANY(${filters.tier})`);
  if (filters.kind !== undefined) conditions.push(sql`f.kind = ANY(${filters.kind})`);
  if (filters.text !== undefined) conditions.push(sql`(l.spdx_id ILIKE ${containing(filters.text)} OR l.name ILIKE ${containing(filters.text)})`);
  const { rows } = await sql<{ total: number; items: ScanLicenseRow[] }>`
    WITH counted AS MATERIALIZED (
      SELECT f.license_id, f.kind, count(*)::int AS affected_count, min(sc.ordinal) AS first
      FROM scan_components sc JOIN license_findings f ON f.component_id = sc.component_id WHERE sc.scan_id = ${scanId} GROUP BY f.license_id, f.kind
    ), listed AS MATERIALIZED (
      SELECT l.id, l.spdx_id, l.name, ${TIER} AS tier, f.kind, f.affected_count, l.is_osi_approved, l.is_fsf_libre, f.first
      FROM counted f JOIN licenses l ON l.id = f.license_id
      LEFT JOIN unnest(${[...rules.keys()]}::text[], ${[...rules.values()].map(({ tier }) => tier)}::text[]) AS r (spdx_id, tier) ON r.spdx_id = l.spdx_id
      ${where(conditions)}
    )
    SELECT (SELECT count(*)::int FROM listed) AS total, coalesce((
      SELECT json_agg(json_build_object('license_id', p.id, 'sample_finding_id', f.id, 'spdx_id', p.spdx_id, 'name', p.name, 'tier', p.tier, 'kind', p.kind, 'affected_count', p.affected_count,
        'is_osi_approved', p.is_osi_approved, 'is_fsf_libre', p.is_fsf_libre) ORDER BY p.place)
      FROM (SELECT l.*, row_number() OVER () AS place FROM (SELECT * FROM listed l ${orderAndPage(page, SORTABLE, sql`l.id`)}) l) p
      JOIN scan_components sc ON sc.scan_id = ${scanId} AND sc.ordinal = p.first JOIN license_findings f ON f.component_id = sc.component_id AND f.license_id = p.id AND f.kind = p.kind), '[]') AS items`.execute(db);
  return rows[0] ?? { items: [], total: 0 };
}

/** Number of the scan's components by licence tier. */
export async function licenseTiers(db: Db, scanId: string): Promise<Record<Tier, number>> {
  const { rows } = await sql<{ tier: Tier; count: number }>`
    SELECT license_tier AS tier, count(*)::int AS count FROM scan_components WHERE scan_id = ${scanId} GROUP BY license_tier`.execute(db);
  const count = (tier: Tier): number => rows.find((row) => row.tier === tier)?.count ?? 0;
  return { allowed: count('allowed'), conditional: count('conditional'), forbidden: count('forbidden'), unknown: count('unknown') };
}

export interface LicenseFindingRow {
  id: string;
  project_id: string;
  team_id: string;
  current_scan_id: string | null;
  component_id: string;
  license_id: string;
  spdx_id: string;
  name: string;
  finding_kind: 'declared' | 'concluded' | 'detected';
  reference_url: string | null;
  is_osi_approved: boolean;
  is_fsf_libre: boolean | null;
  is_deprecated_license_id: boolean;
  source_path: string | null;
  created_at: string;
}

export async function findLicenseFinding(db: Db, id: string): Promise<LicenseFindingRow | undefined> {
  const { rows } = await sql<LicenseFindingRow>`
    SELECT f.id, f.project_id, p.team_id, p.current_scan_id, f.component_id, f.license_id, l.spdx_id, l.name, f.kind AS finding_kind, l.reference_url, l.is_osi_approved, l.is_fsf_libre,
      l.is_deprecated AS is_deprecated_license_id, f.source_path, f.created_at
    FROM license_findings f JOIN licenses l ON l.id = f.license_id JOIN projects p ON p.id = f.project_id WHERE f.id = ${id}`.execute(db);
  return rows[0];
}

export interface AffectedComponentRow {
  component_id: string;
  component_name: string;
  version: string;
  purl: string;
}

/** Components of a scan with this licence by this kind of finding: the first ones, and their number. */
export async function componentsWithFinding(db: Db, scanId: string, licenseId: string, kind: string, limit: number): Promise<{ items: AffectedComponentRow[]; total: number }> {
  const from = sql`
    FROM scan_components sc JOIN license_findings f ON f.component_id = sc.component_id AND f.license_id = ${licenseId} AND f.kind = ${kind}
    WHERE sc.scan_id = ${scanId}`;
  const items = await sql<AffectedComponentRow>`
    SELECT c.id AS component_id, pk.name AS component_name, pv.version, c.purl
    FROM (SELECT sc.component_id, sc.ordinal ${from} ORDER BY sc.ordinal LIMIT ${limit}) found JOIN components c ON c.id = found.component_id
    JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id ORDER BY found.ordinal`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${from}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

/** What people concluded of a component, locked until the transaction ends. */
export async function lockConclusion(tx: Tx, componentId: string): Promise<ConcludedLicense | undefined> {
  const { rows } = await sql<ConcludedLicense>`
    SELECT expression, justification, concluded_by_user_id, version, updated_at FROM concluded_licenses WHERE component_id = ${componentId} FOR UPDATE`.execute(tx);
  return rows[0];
}

export async function writeConclusion(tx: Tx, conclusion: { componentId: string; projectId: string; expression: string; justification: string; userId: string | null }): Promise<ConcludedLicense> {
  const { rows } = await sql<ConcludedLicense>`
    INSERT INTO concluded_licenses AS cl (component_id, project_id, expression, justification, concluded_by_user_id)
    VALUES (${conclusion.componentId}, ${conclusion.projectId}, ${conclusion.expression}, ${conclusion.justification}, ${conclusion.userId})
    ON CONFLICT (component_id) DO UPDATE SET expression = excluded.expression, justification = excluded.justification, concluded_by_user_id = excluded.concluded_by_user_id,
      version = cl.version + 1, updated_at = now()
    RETURNING expression, justification, concluded_by_user_id, version, updated_at`.execute(tx);
  if (rows[0] === undefined) throw new Error('the conclusion was not written');
  return rows[0];
}

export async function deleteConclusion(tx: Tx, componentId: string): Promise<void> {
  await sql`DELETE FROM concluded_licenses WHERE component_id = ${componentId}`.execute(tx);
}

/** The findings of kind `concluded` of a component become these licences, which must have rows. */
export async function replaceConcludedFindings(tx: Tx, component: { id: string; projectId: string }, spdxIds: readonly string[]): Promise<void> {
  await sql`
    DELETE FROM license_findings f USING licenses l
    WHERE l.id = f.license_id AND f.component_id = ${component.id} AND f.kind = 'concluded' AND l.spdx_id <> ALL(${spdxIds})`.execute(tx);
  await sql`
    INSERT INTO license_findings (project_id, component_id, license_id, kind)
    SELECT ${component.projectId}, ${component.id}, l.id, 'concluded' FROM licenses l WHERE l.spdx_id = ANY(${spdxIds})
    ON CONFLICT (component_id, license_id, kind) DO NOTHING`.execute(tx);
}

/** Licences of a scan's components, one row a licence and kind. */
import { sql, type RawBuilder } from 'kysely';
import type { PageRequest } from '../core/page.ts';
import type { Tier } from './components.ts';
import type { Db } from './connect.ts';
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

const TIER_RANK = sql`CASE l.tier WHEN 'forbidden' THEN 0 WHEN 'unknown' THEN 1 WHEN 'conditional' THEN 2 ELSE 3 END`;
const SORTABLE = { tier: TIER_RANK, name: sql`l.name`, spdx_id: sql`l.spdx_id`, affected_count: sql`count(*)` };

export async function listScanLicenses(db: Db, scanId: string, filters: LicenseFilters, page: PageRequest): Promise<{ items: ScanLicenseRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [sql`sc.scan_id = ${scanId}`];
  if (filters.tier !== undefined) conditions.push(sql`l.tier = ANY(${filters.tier})`);
  if (filters.kind !== undefined) conditions.push(sql`f.kind = ANY(${filters.kind})`);
  if (filters.text !== undefined) conditions.push(sql`(l.spdx_id ILIKE ${containing(filters.text)} OR l.name ILIKE ${containing(filters.text)})`);
  const from = sql`
    FROM scan_components sc JOIN license_findings f ON f.component_id = sc.component_id JOIN licenses l ON l.id = f.license_id
    ${where(conditions)} GROUP BY l.id, f.kind`;
  const items = await sql<ScanLicenseRow>`
    SELECT l.id AS license_id, min(f.id::text)::uuid AS sample_finding_id, l.spdx_id, l.name, l.tier, f.kind, count(*)::int AS affected_count,
      l.is_osi_approved, l.is_fsf_libre ${from} ${orderAndPage(page, SORTABLE, sql`l.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total FROM (SELECT 1 ${from}) AS groups`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

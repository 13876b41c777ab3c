/** Licences of a project's components. */
import type { Page, PageRequest } from '../../core/page.ts';
import { licenseTiers, listScanLicenses, type LicenseFilters, type ScanLicenseRow } from '../../db/licenses.ts';
import type { Tier } from '../../db/components.ts';
import type { Context } from '../context.ts';
import { getProject, scanInView } from '../projects/read.ts';
import { loadTeamRules } from './rules.ts';

export interface LicensePage extends Page<ScanLicenseRow> {
  /** Components of the scan by tier, whatever the filters. */
  distribution: Record<Tier, number>;
}

export async function listProjectLicenses(context: Context, projectId: string, scanId: string | undefined, filters: LicenseFilters, page: PageRequest): Promise<LicensePage> {
  const project = await getProject(context, projectId);
  const scan = await scanInView(context, projectId, scanId);
  const { limit, offset } = page;
  if (scan === null) return { items: [], total: 0, limit, offset, distribution: { allowed: 0, conditional: 0, forbidden: 0, unknown: 0 } };
  const { licenses: rules } = await loadTeamRules(context.db, project.team_id, context.now());
  const orLater = [...rules].map(([id, rule]): [string, { tier: Tier }] => [`${id}+`, rule]);
  return { ...(await listScanLicenses(context.db, scan, new Map([...orLater, ...rules]), filters, page)), limit, offset, distribution: await licenseTiers(context.db, scan) };
}

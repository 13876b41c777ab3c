/** One licence finding. */
import { notFound } from '../../core/errors.ts';
import type { Tier } from '../../db/components.ts';
import { componentsWithFinding, findLicenseFinding, type AffectedComponentRow, type LicenseFindingRow } from '../../db/licenses.ts';
import type { Context } from '../context.ts';
import { tierOf } from './catalogue.ts';
import { loadTeamRules } from './rules.ts';

export interface LicenseFindingDetail extends Omit<LicenseFindingRow, 'team_id' | 'current_scan_id'> {
  tier: Tier;
  affected_components: AffectedComponentRow[];
  affected_components_total: number;
  affected_components_truncated: boolean;
}

const MAX_AFFECTED = 200;

/** Throws not-found. */
export async function getLicenseFinding(context: Context, id: string): Promise<LicenseFindingDetail> {
  const found = await findLicenseFinding(context.db, id);
  if (found === undefined) throw notFound('The licence finding');
  const { team_id: teamId, current_scan_id: scan, ...finding } = found;
  const { licenses: rules } = await loadTeamRules(context.db, teamId, context.now());
  const affected = scan === null ? { items: [], total: 0 } : await componentsWithFinding(context.db, scan, finding.license_id, finding.finding_kind, MAX_AFFECTED);
  return {
    ...finding, tier: tierOf(finding.spdx_id, rules).tier,
    affected_components: affected.items, affected_components_total: affected.total, affected_components_truncated: affected.total > affected.items.length,
  };
}

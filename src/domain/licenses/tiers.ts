/** The policy in effect for a project, licence by licence. */
import type { Page, PageRequest } from '../../core/page.ts';
import type { Tier } from '../../db/components.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';
import { licenseInfo, tierOf } from './catalogue.ts';
import { loadTeamRules } from './rules.ts';
import { allSpdxLicenses } from './spdx-list.ts';

export interface LicenseTierItem {
  license: string;
  name: string;
  tier: Tier;
  reason: string | null;
  decided_by: 'catalogue' | 'organization' | 'team';
  policy_id: string | null;
  expires_at: string | null;
}

export interface LicenseTierFilters {
  text?: string | undefined;
  tier?: readonly string[] | undefined;
  decidedBy?: readonly string[] | undefined;
}

const TIER_RANK: Record<Tier, number> = { forbidden: 0, unknown: 1, conditional: 2, allowed: 3 };
const KEYS: Readonly<Record<string, (item: LicenseTierItem) => string | number>> = {
  license: (item) => item.license.toLowerCase(), name: (item) => item.name.toLowerCase(), tier: (item) => TIER_RANK[item.tier], decided_by: (item) => item.decided_by,
};

export async function listProjectLicenseTiers(context: Context, projectId: string, { text, tier, decidedBy }: LicenseTierFilters, page: PageRequest): Promise<Page<LicenseTierItem>> {
  const project = await getProject(context, projectId);
  const { licenses: rules } = await loadTeamRules(context.db, project.team_id, context.now());
  const ids = new Set([...allSpdxLicenses().map(({ id }) => id), ...rules.keys()]);
  const sought = text?.toLowerCase();
  const items = [...ids].map((license): LicenseTierItem => {
    const rule = rules.get(license);
    const judged = tierOf(license, rules);
    const decides = rule === undefined ? 'catalogue' : rule.policy.team_id === null ? 'organization' : 'team';
    return { license, name: licenseInfo(license).name, tier: judged.tier, reason: judged.reason, decided_by: decides, policy_id: rule?.policy.id ?? null, expires_at: rule?.policy.expires_at ?? null };
  });
  const matching = items
    .filter((item) => (sought === undefined || `${item.license}\n${item.name}`.toLowerCase().includes(sought)) && (tier?.includes(item.tier) ?? true) && (decidedBy?.includes(item.decided_by) ?? true))
    .toSorted((a, b) => compare(a, b, page));
  return { items: matching.slice(page.offset, page.offset + page.limit), total: matching.length, limit: page.limit, offset: page.offset };
}

function compare(a: LicenseTierItem, b: LicenseTierItem, { sort }: PageRequest): number {
  for (const { field, descending } of sort) {
    const [first, second] = [KEYS[field]?.(a) ?? '', KEYS[field]?.(b) ?? ''];
    if (first !== second) return first < second === descending ? 1 : -1;
  }
  return a.license < b.license ? -1 : 1;
}

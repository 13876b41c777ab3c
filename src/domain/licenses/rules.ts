/** The policies in force, as they are judged by: a team's before the organisation's, those about components before those about licences. */
import type { ComponentTier } from '../../db/license-judgement.ts';
import { rulesInForce, type PolicyRule } from '../../db/license-policies.ts';
import type { Db } from '../../db/connect.ts';
import type { TierJudgement } from './catalogue.ts';

export interface RuleJudgement extends TierJudgement {
  policy: PolicyRule;
}

export interface TeamRules {
  licenses: ReadonlyMap<string, RuleJudgement>;
  components: readonly ComponentTier[];
}

/** By team. */
export async function loadRules(db: Db, teamIds: readonly string[], now: Date): Promise<Map<string, TeamRules>> {
  const rules = await rulesInForce(db, teamIds, now);
  return new Map(teamIds.map((teamId) => [teamId, rulesOf(teamId, rules.filter((rule) => rule.team_id === null || rule.team_id === teamId))]));
}

/** What is in force for one team. */
export async function loadTeamRules(db: Db, teamId: string, now: Date): Promise<TeamRules> {
  return (await loadRules(db, [teamId], now)).get(teamId) ?? { licenses: new Map(), components: [] };
}

/** The organisation's rules come first in `rules`, so that the team's replace them. */
function rulesOf(teamId: string, rules: readonly PolicyRule[]): TeamRules {
  const licenses = new Map(rules.flatMap((policy): [string, RuleJudgement][] => (policy.license === null ? [] : [[policy.license, { tier: policy.tier, reason: policy.reason ?? reasonOf(policy), policy }]])));
  const patterns = rules.flatMap(({ purl_pattern: pattern, tier, team_id }) => (pattern === null ? [] : [{ pattern, tier, own: team_id !== null }]));
  const components = patterns
    .toSorted((a, b) => Number(b.own) - Number(a.own) || b.pattern.length - a.pattern.length || (a.pattern < b.pattern ? -1 : 1))
    .map(({ pattern, tier }, rank) => ({ teamId, pattern: likePattern(pattern), tier, rank }));
  return { licenses, components };
}

const reasonOf = (policy: PolicyRule): string => (policy.team_id === null ? 'policy of the organisation' : 'policy of the team');

/** `*` is any text; all else is literal. */
const likePattern = (pattern: string): string => pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll(/\*+/g, '%');

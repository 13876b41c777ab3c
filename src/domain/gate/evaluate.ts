/** The gate: a pure judgement of a scan's facts by a policy. */
import type { components } from '../../../generated/api.ts';
import type { GatePolicy } from './policy.ts';

export type GateReason = components['schemas']['GateReason'];
type Severity = components['schemas']['Severity'];
type Tier = components['schemas']['LicenseTier'];
type Action = 'fail' | 'warn' | 'off';

/** Open findings that are alike to every rule. Findings that are not open are not in here. */
export interface FindingGroup {
  severity: Severity;
  kev: boolean;
  /** 0 to 1; null where EPSS has none. */
  epss_score: number | null;
  /** Whole days since the first detection. */
  age_days: number;
  count: number;
  /** Some of the ids. */
  finding_ids: readonly string[];
}

export interface GateFacts {
  /** State of the judged scan; null where the project has none that succeeded. */
  scan: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | null;
  findings: readonly FindingGroup[];
  licenses: readonly { tier: Tier; count: number; component_ids: readonly string[] }[];
  /** Components whose approval was rejected. */
  rejected: { count: number; component_ids: readonly string[] };
}

export type GateJudgement = Pick<components['schemas']['GateResult'], 'gate' | 'reason' | 'critical_cve_count' | 'forbidden_license_count' | 'reasons' | 'counts'>;

const RANK: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3, info: 4, unknown: 5 };
const MAX_IDS = 20;

/** `pending` while there is nothing to judge; `fail` where a rule that fails is broken, `warn` where only rules that warn are. */
export function evaluateGate(facts: GateFacts, policy: GatePolicy): GateJudgement {
  const reasons = judge(facts, policy);
  const counts = countFacts(facts);
  return {
    gate: outcome(facts, reasons),
    reason: reasons.length === 0 ? null : reasons.map((reason) => reason.message).join('; '),
    critical_cve_count: counts.open_findings.critical,
    forbidden_license_count: counts.licenses.forbidden,
    reasons,
    counts,
  };
}

function outcome({ scan }: GateFacts, reasons: readonly GateReason[]): GateJudgement['gate'] {
  if (scan === null || scan === 'queued' || scan === 'running') return 'pending';
  if (reasons.some((reason) => reason.action === 'fail')) return 'fail';
  return reasons.length > 0 ? 'warn' : 'pass';
}

function judge(facts: GateFacts, policy: GatePolicy): GateReason[] {
  if (facts.scan === 'failed' || facts.scan === 'cancelled') {
    return [{ rule: 'scan', action: 'fail', message: `the scan ${facts.scan === 'failed' ? 'failed' : 'was cancelled'}, so nothing is known`, count: 1, findings: [] }];
  }
  if (facts.scan !== 'succeeded') return [];
  const { severity_threshold: threshold, epss_threshold: epss, max_age_days: ages } = policy;
  const worst = threshold === null ? -1 : RANK[threshold];
  return [
    ...onFindings('severity', threshold === null ? 'off' : 'fail', facts, ({ severity }) => RANK[severity] <= worst, (count) => `${count} ${plural(count, 'vulnerability', 'vulnerabilities')} of severity ${threshold ?? ''}${worst > 0 ? ' or worse' : ''} open`),
    ...onFindings('unknown_severity', policy.unknown_severity, facts, ({ severity }) => severity === 'unknown', (count) => `${count} ${plural(count, 'vulnerability', 'vulnerabilities')} of unknown severity open`),
    ...onFindings('kev', policy.kev, facts, ({ kev }) => kev, (count) => `${count} known exploited ${plural(count, 'vulnerability', 'vulnerabilities')} open`),
    ...onFindings('epss', epss === null ? 'off' : 'fail', facts, ({ epss_score }) => epss_score !== null && epss !== null && epss_score >= epss, (count) => `${count} ${plural(count, 'vulnerability', 'vulnerabilities')} with an EPSS score of at least ${epss ?? ''} open`),
    ...onLicenses('forbidden_license', policy.forbidden_license, facts, 'forbidden', (count) => `${count} forbidden-licensed ${plural(count, 'component', 'components')} detected`),
    ...onLicenses('unknown_license', policy.unknown_license, facts, 'unknown', (count) => `${count} ${plural(count, 'component', 'components')} with an unknown licence detected`),
    ...onComponents('rejected_approval', policy.rejected_approval, facts.rejected, (count) => `${count} ${plural(count, 'component', 'components')} with a rejected approval`),
    ...onFindings('age', 'fail', facts, ({ severity, age_days }) => olderThan(ages, severity, age_days), (count) => `${count} ${plural(count, 'vulnerability', 'vulnerabilities')} open for longer than allowed`),
  ];
}

function olderThan(ages: GatePolicy['max_age_days'], severity: Severity, ageDays: number): boolean {
  if (severity === 'info' || severity === 'unknown') return false;
  const limit = ages[severity];
  return limit !== null && ageDays > limit;
}

function onFindings(rule: GateReason['rule'], action: Action, facts: GateFacts, breaks: (group: FindingGroup) => boolean, say: (count: number) => string): GateReason[] {
  if (action === 'off') return [];
  const broken = facts.findings.filter(breaks);
  const count = sum(broken.map((group) => group.count));
  return count === 0 ? [] : [{ rule, action, message: say(count), count, findings: broken.flatMap((group) => group.finding_ids).slice(0, MAX_IDS) }];
}

function onLicenses(rule: GateReason['rule'], action: Action, facts: GateFacts, tier: Tier, say: (count: number) => string): GateReason[] {
  const found = facts.licenses.filter((group) => group.tier === tier);
  return onComponents(rule, action, { count: sum(found.map((group) => group.count)), component_ids: found.flatMap((group) => group.component_ids) }, say);
}

function onComponents(rule: GateReason['rule'], action: Action, { count, component_ids }: GateFacts['rejected'], say: (count: number) => string): GateReason[] {
  return action === 'off' || count === 0 ? [] : [{ rule, action, message: say(count), count, findings: component_ids.slice(0, MAX_IDS) }];
}

function countFacts({ findings, licenses }: GateFacts): GateJudgement['counts'] {
  const bySeverity = (severity: Severity): number => sum(findings.filter((group) => group.severity === severity).map((group) => group.count));
  const byTier = (tier: Tier): number => sum(licenses.filter((group) => group.tier === tier).map((group) => group.count));
  return {
    open_findings: { critical: bySeverity('critical'), high: bySeverity('high'), medium: bySeverity('medium'), low: bySeverity('low'), info: bySeverity('info'), unknown: bySeverity('unknown') },
    components: sum(licenses.map((group) => group.count)),
    licenses: { allowed: byTier('allowed'), conditional: byTier('conditional'), forbidden: byTier('forbidden'), unknown: byTier('unknown') },
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many);

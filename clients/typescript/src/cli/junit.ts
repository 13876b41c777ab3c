/** The gate as a JUnit report: a test case for each rule, and for each finding or component behind a broken one. */
import type { Offender, Reason, Result } from './result.ts';

type Policy = Result['gate']['policy'];
type Rule = Reason['rule'];

interface Case {
  suite: string;
  name: string;
  outcome: 'passed' | 'skipped' | 'failed' | 'warned';
  text: string;
}

const RULES: readonly Exclude<Rule, 'scan'>[] = ['severity', 'unknown_severity', 'kev', 'epss', 'forbidden_license', 'unknown_license', 'rejected_approval', 'age'];

/** @param warnAsError warnings are failures, as they are for the exit code */
export function junitOf(result: Result, warnAsError: boolean): string {
  const outcome = ({ action }: Reason): Case['outcome'] => (action === 'fail' || warnAsError ? 'failed' : 'warned');
  const rules = RULES.map((rule): Case => {
    const reason = result.reasons.find((one) => one.rule === rule);
    if (reason !== undefined) return { suite: 'gate', name: rule, outcome: outcome(reason), text: reason.message };
    return { suite: 'gate', name: rule, outcome: isOff(rule, result.gate.policy) ? 'skipped' : 'passed', text: 'The policy switches this rule off.' };
  });
  const offenders = result.reasons.flatMap((reason) => reason.offenders.map((one): Case => ({ suite: `gate.${reason.rule}`, name: `${one.title} in ${one.component}`, outcome: outcome(reason), text: describe(one) })));
  const cases = [...rules, ...offenders];
  const suites = [...new Set(cases.map(({ suite }) => suite))].map((suite) => suiteOf(suite, cases.filter((one) => one.suite === suite), result));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeXml(result.project.name)}" ${totals(cases)}>\n${suites.join('')}</testsuites>\n`;
}

function isOff(rule: (typeof RULES)[number], policy: Policy): boolean {
  if (rule === 'severity') return policy.severity_threshold === null;
  if (rule === 'epss') return policy.epss_threshold === null;
  if (rule === 'age') return Object.values(policy.max_age_days).every((days) => days === null);
  return policy[rule] === 'off';
}

function describe({ purl, severity, fixedVersion, kev, summary }: Offender): string {
  const fix = severity === null ? [] : [fixedVersion === null ? 'No fixed version is known.' : `Upgrade to ${fixedVersion} or later.`];
  return [purl, ...(severity === null ? [] : [`Severity: ${severity}.`]), ...fix, ...(kev ? ['Known to be exploited.'] : []), ...(summary === null ? [] : [summary])].join('\n');
}

function suiteOf(name: string, cases: readonly Case[], { gate, link }: Result): string {
  const body = cases.map((one) => `    <testcase classname="${escapeXml(one.suite)}" name="${escapeXml(one.name)}"${inside(one)}`);
  return `  <testsuite name="${escapeXml(name)}" ${totals(cases)} timestamp="${gate.evaluated_at}">\n    <properties><property name="link" value="${escapeXml(link)}"/></properties>\n${body.join('')}  </testsuite>\n`;
}

function inside({ outcome, text }: Case): string {
  const [first = ''] = text.split('\n');
  if (outcome === 'passed') return '/>\n';
  if (outcome === 'skipped') return `><skipped message="${escapeXml(text)}"/></testcase>\n`;
  if (outcome === 'warned') return `><system-out>warning: ${escapeXml(text)}</system-out></testcase>\n`;
  return `><failure message="${escapeXml(first)}">${escapeXml(text)}</failure></testcase>\n`;
}

const totals = (cases: readonly Case[]): string =>
  `tests="${cases.length}" failures="${cases.filter(({ outcome }) => outcome === 'failed').length}" errors="0" skipped="${cases.filter(({ outcome }) => outcome === 'skipped').length}"`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\n': '&#10;' };
/** For text and attributes; characters that XML 1.0 (section 2.2) does not allow become U+FFFD. */
export const escapeXml = (text: string): string =>
  text.toWellFormed().replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd').replaceAll(/[&<>"'\n]/g, (sign) => ENTITIES[sign] ?? sign);

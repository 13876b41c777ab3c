/** The gate for people: a table of its reasons, the counts, the most urgent findings, and where to read on. */
import type { Offender, Reason, Result } from './result.ts';

const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const;
const TIERS = ['forbidden', 'conditional', 'unknown', 'allowed'] as const;
const GAP = '  ';
const NAMED = 5;

export function tableOf({ project, scan, gate, reasons, urgent, link }: Result): string {
  const { counts } = gate;
  const line = (title: string, text: string): string => `${title.padEnd(14)} ${text}`;
  return [
    `Gate ${gate.gate.toUpperCase()}: ${plain(project.name)} (${plain(project.slug)})${scan === null ? '' : whereOf(scan)}`,
    '',
    ...(reasons.length === 0 ? [] : [...columns([['', 'RULE', 'COUNT', 'REASON'], ...reasons.map(rowOf)]), '']),
    line('Open findings', SEVERITIES.map((severity) => `${severity} ${counts.open_findings[severity]}`).join(', ')),
    line('Licences', TIERS.map((tier) => `${tier} ${counts.licenses[tier]}`).join(', ')),
    line('Components', String(counts.components)),
    ...(urgent.length === 0 ? [] : ['', 'Most urgent', ...columns(urgent.map(urgentRow)).map((text) => GAP + text)]),
    ...(scan === null || scan.warnings.length === 0 ? [] : ['', 'Passed over', ...scan.warnings.slice(0, NAMED).map((text) => GAP + plain(text)), ...more(scan.warnings.length - NAMED)]),
    '',
    `Details: ${link}`,
    '',
  ].join('\n');
}

const rowOf = ({ rule, action, count, message, offenders }: Reason): string[] => [action.toUpperCase(), rule, String(count), plain(message) + namesOf(offenders)];

/** Findings stand below; of licences this is the only place. */
function namesOf(offenders: readonly Offender[]): string {
  const licensed = offenders.filter(({ severity }) => severity === null);
  return licensed.length === 0 ? '' : `: ${licensed.slice(0, NAMED).map(({ component, title }) => plain(`${component} (${title})`)).join(', ')}${licensed.length > NAMED ? ', ...' : ''}`;
}

function urgentRow({ title, severity, component, fixedVersion, kev }: Offender): string[] {
  return [(severity ?? '').toUpperCase(), plain(title), plain(component), `${fixedVersion === null ? 'no fix known' : `fixed in ${plain(fixedVersion)}`}${kev ? ', exploited' : ''}`];
}

const whereOf = ({ ref, commit_sha }: { ref: string | null; commit_sha: string | null }): string => `${ref === null ? '' : `, ${plain(ref)}`}${commit_sha === null ? '' : ` at ${commit_sha.slice(0, 12)}`}`;
const more = (count: number): string[] => (count > 0 ? [`${GAP}and ${count} more`] : []);

/** Rows whose columns stand under each other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP).trimEnd());
}

/** Names come from what was scanned: nothing in them may move the cursor, begin a line or turn text around. */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');

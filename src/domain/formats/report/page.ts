/** The human report: one self-contained page about a project's scan. */
import type { components } from '../../../../generated/api.ts';
import { SEVERITIES, type Severity } from '../../../core/severity.ts';
import type { Tier } from '../../../db/components.ts';
import type { FindingRow } from '../../../db/findings.ts';
import type { LicenseCountRow, TrendRow, UpgradeRow } from '../../../db/report.ts';
import type { DocumentHead } from '../document.ts';
import { columns, ring, type Column, type Share } from './charts.ts';
import { html, NOTHING, type Markup } from '../html.ts';
import { STYLE } from './style.ts';

export interface ReportFacts {
  head: DocumentHead;
  /** Null where the project has no succeeded scan. */
  scan: { ref: string | null; commit: string | null; kind: string; components: number } | null;
  gate: Pick<components['schemas']['GateResult'], 'gate' | 'reason' | 'reasons'>;
  /** Open findings. */
  severities: Readonly<Record<Severity, number>>;
  /** The most urgent first, as far as they are shown; the same of components. */
  risks: readonly FindingRow[];
  upgrades: readonly UpgradeRow[];
  tiers: Readonly<Record<Tier, number>>;
  licenses: readonly LicenseCountRow[];
  duties: readonly { kind: string; text: string; open: number; total: number }[];
  trend: readonly TrendRow[];
}

const TIERS: readonly Tier[] = ['forbidden', 'conditional', 'unknown', 'allowed'];
const GATES = { pass: 'Gate passed', warn: 'Gate passed with warnings', fail: 'Gate failed', pending: 'No result yet' } as const;
const capital = (text: string): string => (/^(?:kev|epss)$/.test(text) ? text.toUpperCase() : text.charAt(0).toUpperCase() + text.slice(1).replaceAll('_', ' '));
const day = (time: string): string => time.slice(0, 10);
const moment = (time: string): string => `${day(time)} ${time.slice(11, 16)} UTC`;

export function renderReport(facts: ReportFacts): string {
  const { head, scan, severities, tiers, risks, upgrades, licenses, duties, trend } = facts;
  const open = sum(Object.values(severities));
  const body = html`<main>
${top(facts)}
<ul class="cards">${[
    card(scan?.components ?? 0, 'components'), card(open, 'open vulnerabilities'), card(severities.critical + severities.high, 'critical or high'), card(tiers.forbidden + tiers.unknown, 'licences forbidden or unknown'),
    card(sum(duties.map((duty) => duty.open)), 'open obligations'),
  ]}</ul>
<div class="pair">
<section class="sheet"><h2>Open vulnerabilities by severity</h2>${ring('Open vulnerabilities by severity', 'open', SEVERITIES.map((name): Share => ({ name, label: capital(name), count: severities[name] })))}</section>
<section class="sheet"><h2>Components by licence tier</h2>${ring('Components by licence tier', 'components', TIERS.map((name): Share => ({ name, label: capital(name), count: tiers[name] })))}</section>
</div>
${reasons(facts)}
${upgrades.length === 0 ? NOTHING : html`<section class="sheet"><h2>Upgrades that matter most</h2>${upgradeTable(upgrades)}</section>`}
<section class="sheet"><h2>Most urgent findings</h2>${risks.length === 0 ? html`<p class="none">No open findings.</p>` : riskTable(risks)}${risks.length < open ? html`<p class="none">${risks.length} of ${open}.</p>` : NOTHING}</section>
${trend.length < 2 ? NOTHING : html`<section class="sheet"><h2>Vulnerabilities over the last ${trend.length} scans</h2>${columns('Vulnerabilities by scan', toColumns(trend))}<p class="none">By what is known today of each scan's components, whatever was decided on them.</p></section>`}
<section class="sheet"><h2>Licences</h2>${licenses.length === 0 ? html`<p class="none">No components.</p>` : licenseTable(licenses)}</section>
<section class="sheet"><h2>Obligations</h2>${duties.length === 0 ? html`<p class="none">None.</p>` : dutyTable(duties)}</section>
<footer>Made by ${head.tool.name} ${head.tool.version} for ${head.author}. Priority, 0 to 100, adds up CVSS, known exploitation (CISA KEV), the probability of exploitation (EPSS), an available fix and closeness to the product.</footer>
</main>`;
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n${html`<title>${head.product.name}: composition report</title>`.text}\n<style>${STYLE}</style>\n</head>\n<body>\n${body.text}\n</body>\n</html>\n`;
}

function top({ head, scan, gate }: ReportFacts): Markup {
  const meta = scan === null ? 'Not scanned yet' : [scan.ref ?? capital(scan.kind), ...(scan.commit === null ? [] : [scan.commit.slice(0, 12)]), `scanned ${moment(head.timestamp)}`].join(' · ');
  return html`<header><div><p class="kicker">Software composition report · ${head.author}</p><h1>${head.product.name}</h1>${head.product.description === null ? NOTHING : html`<p>${head.product.description}</p>`}<p class="meta">${meta}</p></div>
<div class="gate ${gate.gate}"><b>${GATES[gate.gate]}</b><p>${gate.reason ?? (gate.gate === 'pass' ? 'No rule of the policy is broken.' : '')}</p></div></header>`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const card = (count: number, label: string): Markup => html`<li><b>${count.toLocaleString('en')}</b><span>${label}</span></li>`;

function reasons({ gate }: ReportFacts): Markup {
  if (gate.reasons.length === 0) return NOTHING;
  return html`<section class="sheet"><h2>What the gate says</h2><table class="stack"><thead><tr><th scope="col">Rule</th><th scope="col">Outcome</th><th scope="col">Why</th></tr></thead><tbody>${gate.reasons.map(({ rule, action, message }) =>
    html`<tr><td data-label="Rule">${capital(rule)}</td><td data-label="Outcome">${mark(action === 'fail' ? 'critical' : 'medium', capital(action))}</td><td data-label="Why">${message}</td></tr>`)}</tbody></table></section>`;
}

function upgradeTable(upgrades: readonly UpgradeRow[]): Markup {
  return html`<table class="stack"><thead><tr><th scope="col">Component</th><th scope="col">Open</th><th scope="col">Worst</th><th scope="col">Upgrade to</th></tr></thead><tbody>${upgrades.map(({ name, version, direct, open, worse, severity, safe_version: safe }) =>
    html`<tr><td data-label="Component"><span>${name} ${version}${direct === null ? NOTHING : html`<span class="sub">${direct ? 'direct' : 'transitive'}</span>`}</span></td><td data-label="Open"><span>${open}${worse === 0 ? NOTHING : html`<span class="sub">${worse} critical or high</span>`}</span></td>
<td data-label="Worst">${mark(severity, capital(severity))}</td><td data-label="Upgrade to">${safe === null ? html`<span class="faint">no known version without vulnerabilities</span>` : html`<b>${safe}</b>`}</td></tr>`)}</tbody></table>`;
}

const mark = (colour: string, text: string): Markup => html`<span class="mark"><span class="dot ${colour}"></span>${text}</span>`;

function riskTable(risks: readonly FindingRow[]): Markup {
  return html`<table class="stack"><thead><tr><th scope="col" class="number">Priority</th><th scope="col">Vulnerability</th><th scope="col">Severity</th><th scope="col">Component</th><th scope="col">Fixed in</th></tr></thead><tbody>${risks.map((risk) =>
    html`<tr><td class="number" data-label="Priority">${risk.priority.score}</td><td data-label="Vulnerability"><span><a href="https://osv.dev/vulnerability/${encodeURIComponent(risk.cve_id)}" rel="noreferrer">${risk.cve_id}</a> ${tags(risk)}<span class="sub">${risk.summary ?? ''}</span></span></td>
<td data-label="Severity">${mark(risk.severity, `${capital(risk.severity)}${risk.cvss_score === null ? '' : ` ${risk.cvss_score.toFixed(1)}`}`)}</td>
<td data-label="Component"><span>${risk.component_name} ${risk.component_version}<span class="sub">${risk.purl}${risk.direct === null ? '' : risk.direct ? ', direct' : ', transitive'}</span></span></td><td data-label="Fixed in">${risk.fixed_version ?? '–'}</td></tr>`)}</tbody></table>`;
}

const tags = ({ kev, epss_score: epss }: FindingRow): Markup[] => [...(kev ? [html`<span class="tag">known exploited</span>`] : []), ...(epss !== null && epss >= 0.01 ? [html`<span class="tag">EPSS ${(epss * 100).toFixed(0)} %</span>`] : [])];

/** By day, or by hour and minute where all are of one day. */
function toColumns(trend: readonly TrendRow[]): Column[] {
  const isOneDay = new Set(trend.map((row) => day(row.completed_at))).size === 1;
  return trend.map(({ completed_at: time, counts }) => ({ label: isOneDay ? time.slice(11, 16) : day(time).slice(5), shares: SEVERITIES.toReversed().map((name): Share => ({ name, label: name, count: counts[name] ?? 0 })) }));
}

function licenseTable(licenses: readonly LicenseCountRow[]): Markup {
  return html`<table class="stack"><thead><tr><th scope="col">Licence</th><th scope="col">Tier</th><th scope="col" class="number">Components</th></tr></thead><tbody>${licenses.map(({ expression, tier, count }) =>
    html`<tr><td data-label="Licence">${expression === null ? 'No licence known' : expression}</td><td data-label="Tier">${mark(tier, capital(tier))}</td><td class="number" data-label="Components">${count}</td></tr>`)}</tbody></table>`;
}

function dutyTable(duties: ReportFacts['duties']): Markup {
  return html`<table class="stack"><thead><tr><th scope="col">Obligation</th><th scope="col">What it asks</th><th scope="col" class="number">Open</th></tr></thead><tbody>${duties.map(({ kind, text, open, total }) =>
    html`<tr><td data-label="Obligation">${capital(kind)}</td><td data-label="What it asks">${text}</td><td class="number" data-label="Open">${open} of ${total}</td></tr>`)}</tbody></table>`;
}

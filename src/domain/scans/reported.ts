/** From what Dependency-Track reports to what the portal knows: components by package URL, vulnerabilities by id, and records of those that nobody else describes. */
import { createHash } from 'node:crypto';
import { judgeCvss, severityOf } from '../../advisories/cvss.ts';
import { text } from '../../advisories/fields.ts';
import type { AdvisoryFacts } from '../../advisories/osv.ts';
import { canonicalPurl } from '../../core/purl.ts';
import type { Severity } from '../../core/severity.ts';
import type { HashedAdvisory } from '../../db/advisories.ts';
import type { Report } from '../../db/second-opinions.ts';
import type { ReportedFinding } from '../../integrations/dependency-track.ts';
import { fullPurl } from '../formats/installed.ts';
import type { PreparedComponent } from './publish.ts';

/** What OSV takes for an id, and VulnDB's, which are numbers. */
const ID = /^[A-Za-z][\w.:+-]{0,127}$/;
const MAX_ALIASES = 20;
const SEVERITIES: ReadonlyMap<string, Severity> = new Map<string, Severity>([['CRITICAL', 'critical'], ['HIGH', 'high'], ['MEDIUM', 'medium'], ['LOW', 'low'], ['INFO', 'info']]);

export interface Understood {
  reports: Report[];
  /** One a vulnerability. */
  advisories: HashedAdvisory[];
  /** Findings on components that the scan does not have, or of vulnerabilities without a usable id. */
  passedOver: number;
}

export function understand(findings: readonly ReportedFinding[], components: readonly PreparedComponent[]): Understood {
  if (findings.length === 0) return { reports: [], advisories: [], passedOver: 0 };
  const find = componentFinder(components);
  const advisories = new Map<string, HashedAdvisory>();
  const reports: Report[] = [];
  for (const finding of findings) {
    const purl = find(finding.component);
    const name = finding.source === 'VULNDB' && /^\d+$/.test(finding.vulnId) ? `VULNDB-${finding.vulnId}` : finding.vulnId;
    if (purl === null || !ID.test(name)) continue;
    reports.push({ purl, name, suppressed: finding.suppressed });
    if (!advisories.has(name)) advisories.set(name, advisoryOf(name, finding));
  }
  return { reports, advisories: [...advisories.values()], passedOver: findings.length - reports.length };
}

/** By package URL, as the scan has it or as its document wrote it in full; where none is told, by names. */
function componentFinder(components: readonly PreparedComponent[]): (component: ReportedFinding['component']) => string | null {
  const byPurl = new Map(components.flatMap(({ row }) => [[row.purl, row.purl], [fullPurl(row), row.purl]]));
  const byName = new Map(components.map(({ row, coordinates }) => [JSON.stringify([coordinates.namespace, coordinates.name, coordinates.version]), row.purl]));
  return ({ purl, group, name, version }) => (purl === null ? byName.get(JSON.stringify([group ?? '', name ?? '', version ?? ''])) : byPurl.get(purl) ?? byPurl.get(canonical(purl))) ?? null;
}

function canonical(purl: string): string {
  try {
    return canonicalPurl(purl);
  } catch {
    return '';
  }
}

/** Two CVE ids are never joined by it: its aliases come by way of several databases. */
function namesOf(id: string, aliases: readonly string[]): string[] {
  const usable = aliases.filter((alias) => ID.test(alias));
  const isCve = (name: string): boolean => name.startsWith('CVE-');
  const cve = isCve(id) ? undefined : usable.find(isCve);
  return [...new Set([id, ...(cve === undefined ? [] : [cve]), ...usable.filter((alias) => !isCve(alias))])].slice(0, MAX_ALIASES);
}

function advisoryOf(id: string, finding: ReportedFinding): HashedAdvisory {
  const judged = judgeCvss(finding.vectors);
  const score = judged?.score ?? finding.score;
  const published = timeOf(finding.published);
  const facts: AdvisoryFacts = {
    summary: text(finding.title, 1000) ?? text(finding.description?.split('\n', 1)[0], 200), details: text(finding.description, 20_000),
    severity: judged?.severity ?? SEVERITIES.get(finding.severity) ?? (score === null ? 'unknown' : severityOf(score)), cvss_score: score === null ? null : Math.round(10 * score) / 10, cvss_vector: judged?.vector ?? null,
    cwes: [...new Set(finding.cwes)].slice(0, 20).map((cwe) => `CWE-${cwe}`), references: [], published, modified: published ?? new Date(0).toISOString(), withdrawn: null,
  };
  const names = namesOf(id, finding.aliases);
  return { id, names, facts, ranges: [], faults: [], hash: createHash('sha256').update(JSON.stringify([names.toSorted(), facts])).digest() };
}

function timeOf(value: string | number | null): string | null {
  const time = value === null ? null : new Date(value);
  if (time === null || Number.isNaN(time.getTime())) return null;
  const iso = time.toISOString();
  return /^[12]\d{3}-/.test(iso) ? iso : null;
}

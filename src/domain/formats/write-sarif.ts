/** SARIF 2.1.0: vulnerabilities are rules, findings are results. With what GitHub's and GitLab's code scanning ask for beyond the schema. */
import { createHash } from 'node:crypto';
import type { ReportingDescriptor, Result, Run } from 'sarif';
import type { Severity } from '../../core/severity.ts';
import { cut } from '../../core/values.ts';
import type { SarifResultRow, SarifRuleRow } from '../../db/sarif.ts';
import { inChunks, type DocumentHead } from './document.ts';

export interface SarifSource {
  head: DocumentHead;
  /** Names the analysis, so that a later one of the same project and ref replaces it. */
  category: string;
  /** What was scanned, where it is a repository. */
  repository: { uri: string; revision: string | null; branch: string | null } | null;
  results: () => Promise<readonly SarifResultRow[]>;
  rules: (ids: readonly string[]) => Promise<readonly SarifRuleRow[]>;
}

const RULES_AT_ONCE = 500;
/** GitHub's bounds. */
const MAX_DESCRIPTION = 1024;
const MAX_TAGS = 20;
const MAX_HELP = 8192;
/** The place of a component whose source is no file of the repository: an SBOM or an image. */
const NO_FILE = 'SBOM';

const LEVEL: Readonly<Record<Severity, Result.level>> = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note', unknown: 'warning' };
/** Where nobody gave a score: in the middle of GitHub's band for the word. */
const SCORE: Readonly<Record<Severity, number | null>> = { critical: 9.5, high: 8, medium: 5.5, low: 2, info: null, unknown: null };

export function writeSarif(source: SarifSource): AsyncIterable<string> {
  return inChunks(parts(source));
}

async function* parts({ head, category, repository, results, rules }: SarifSource): AsyncGenerator<string> {
  const found = await results();
  const ids = [...new Set(found.map(({ cve_id }) => cve_id))];
  const places = new Map(ids.map((id, place) => [id, place]));
  yield `{"$schema":"https://json.schemastore.org/sarif-2.1.0.json","version":"2.1.0","runs":[{"tool":{"driver":{"name":"SCA Portal","version":${JSON.stringify(head.tool.version)},"rules":[`;
  let separator = '\n';
  for (let start = 0; start < ids.length; start += RULES_AT_ONCE) {
    for (const row of await rules(ids.slice(start, start + RULES_AT_ONCE))) {
      yield separator + JSON.stringify(toRule(row));
      separator = ',\n';
    }
  }
  yield `\n]}},\n${JSON.stringify(aboutRun(head, category, repository)).slice(1, -1)},\n"results":[`;
  separator = '\n';
  const seen = new Map<string, number>();
  for (const row of found) {
    const uri = row.evidence === null ? NO_FILE : encodeURI(row.evidence);
    const print = fingerprint(row, uri);
    seen.set(print, (seen.get(print) ?? 0) + 1);
    yield separator + JSON.stringify({ ...toResult(row, places.get(row.cve_id) ?? -1, uri), partialFingerprints: { primaryLocationLineHash: `${print}:${seen.get(print) ?? 1}`, 'scaPortalFinding/v1': row.finding_id } });
    separator = ',\n';
  }
  yield '\n]}]}\n';
}

function aboutRun(head: DocumentHead, category: string, repository: SarifSource['repository']): Omit<Run, 'tool' | 'results'> {
  const { uri, revision, branch } = repository ?? {};
  return {
    automationDetails: { id: `${category}/${head.id}` }, columnKind: 'utf16CodeUnits',
    ...(uri === undefined ? {} : { versionControlProvenance: [{ repositoryUri: uri, ...(revision ? { revisionId: revision } : {}), ...(branch ? { branch } : {}) }] }),
    invocations: [{ executionSuccessful: true, endTimeUtc: head.timestamp }],
  };
}

function toRule({ cve_id: id, aliases, severity, cvss_score: score, cwes, kev, summary, details }: SarifRuleRow): ReportingDescriptor {
  const title = summary ?? id;
  const value = score ?? SCORE[severity];
  const names = aliases.length === 0 ? '' : `\n\nAlso known as ${aliases.join(', ')}.`;
  return {
    id, name: id, shortDescription: { text: cut(title, MAX_DESCRIPTION) }, fullDescription: { text: cut(details ?? title, MAX_DESCRIPTION) }, helpUri: `https://osv.dev/vulnerability/${encodeURIComponent(id)}`,
    help: { text: cut(`${title}${names}`, MAX_HELP), markdown: cut(`${details ?? title}${names}`, MAX_HELP) }, defaultConfiguration: { level: LEVEL[severity] },
    properties: {
      tags: ['security', 'vulnerability', severity, ...(kev ? ['known-exploited'] : []), ...cwes.map((cwe) => `external/cwe/${cwe.toLowerCase()}`)].slice(0, MAX_TAGS), precision: 'very-high',
      ...(value === null ? {} : { 'security-severity': value.toFixed(1) }),
    },
  };
}

function toResult({ finding_id, cve_id: id, severity, purl, name, version, fixed_version: fixed, status, justification, direct }: SarifResultRow, ruleIndex: number, uri: string): Result {
  const advice = fixed === null ? 'No fixed version is known.' : `Upgrade to ${fixed} or later.`;
  const isClosed = status === 'not_affected' || status === 'false_positive' || status === 'suppressed' || status === 'fixed';
  return {
    ruleId: id, ruleIndex, guid: finding_id, level: LEVEL[severity], kind: 'fail', message: { text: `${name} ${version} has ${id}${direct === false ? ', as a transitive dependency' : ''}. ${advice}` },
    locations: [{ physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } }, logicalLocations: [{ name, fullyQualifiedName: purl, kind: 'package' }] }],
    suppressions: isClosed ? [{ kind: 'external', status: 'accepted', ...(justification === null ? {} : { justification: `${status}: ${justification}` }) }] : [],
    properties: { purl, status, ...(fixed === null ? {} : { fixedVersion: fixed }) },
  };
}

/** Of the package in any version, so that an upgrade that does not help opens no second alert; where a file has several versions, their place among them tells them apart. */
function fingerprint({ cve_id, purl }: SarifResultRow, uri: string): string {
  return createHash('sha256').update([cve_id, purl.replace(/@[^@/?#]*(?=[?#]|$)/, ''), uri].join('\n')).digest('hex').slice(0, 32);
}

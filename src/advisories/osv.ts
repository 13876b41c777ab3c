/** OSV records (ossf.github.io/osv-schema) to what is stored of them: facts on the vulnerability, and intervals of affected versions. */
import type { Severity } from '../core/severity.ts';
import { isRecord } from '../core/values.ts';
import { judgeCvss } from './cvss.ts';
import { records, text, texts } from './fields.ts';
import { rangesOf, type AdvisoryRange } from './osv-ranges.ts';

/** Part of every content hash: a change in how records are read makes the next import read all of them again. */
export const READER_VERSION = 5;

/** What one record says of its vulnerability. */
export interface AdvisoryFacts {
  summary: string | null;
  details: string | null;
  severity: Severity;
  /** CVSS base score, 0 to 10. */
  cvss_score: number | null;
  cvss_vector: string | null;
  /** `CWE-79`, ... */
  cwes: readonly string[];
  references: readonly { type: string; url: string }[];
  /** RFC 3339. */
  published: string | null;
  modified: string;
  withdrawn: string | null;
}

export interface Advisory {
  id: string;
  /** Its id and aliases. */
  names: readonly string[];
  facts: AdvisoryFacts;
  ranges: readonly AdvisoryRange[];
  /** Parts of the record that could not be used, in words. */
  faults: readonly string[];
}

const LIMIT = { id: 128, names: 64, summary: 1000, details: 20_000, references: 100, cwes: 20, url: 2000, affected: 20_000 };
/** Go's zero time: the Go database writes it for "not told" in its own exports. */
const NO_DATE = /^0001-01-01T00:00:00(?:\.0+)?Z$/;
/** GitHub's, Debian's, Ubuntu's and Red Hat's words. */
const SEVERITY_WORDS: ReadonlyMap<string, Severity> = new Map<string, Severity>([
  ['critical', 'critical'], ['high', 'high'], ['important', 'high'], ['moderate', 'medium'], ['medium', 'medium'], ['low', 'low'], ['minor', 'low'], ['negligible', 'info'], ['unimportant', 'info'], ['none', 'info'], ['informational', 'info'],
]);
const WORST: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** Throws an Error that says why the record cannot be used at all. */
export function readOsv(record: unknown): Advisory {
  if (!isRecord(record)) throw new Error('is not an object');
  const id = text(record['id'], LIMIT.id);
  if (id === null || !/^[A-Za-z][\w.:+-]*$/.test(id)) throw new Error('has no id');
  const faults: string[] = [];
  const modified = timestamp(record['modified']) ?? timestamp(record['published']) ?? new Date(0).toISOString();
  if (timestamp(record['modified']) === null && !NO_DATE.test(text(record['modified'], 32) ?? '')) faults.push('has no valid "modified", so its date of publication stands for it');
  const names = [...new Set([id, ...texts(record['aliases'], LIMIT.id), ...retold(id, record)])].slice(0, LIMIT.names);
  const affected = records(record['affected']);
  if (affected.length > LIMIT.affected) throw new Error(`names more than ${LIMIT.affected} packages`);
  const withdrawn = timestamp(record['withdrawn']);
  const ranges = withdrawn === null ? affected.flatMap((entry) => rangesOf(entry, memberOf(record['database_specific'], 'review_status') === 'UNREVIEWED', faults)) : [];
  return { id, names, ranges, faults: [...new Set(faults)], facts: factsOf(record, affected, modified, withdrawn) };
}

/** Distributions' records on one CVE (DEBIAN-CVE-2024-1234) call it upstream rather than an alias, since they speak of their own packages; it is the same vulnerability. */
function retold(id: string, record: Record<string, unknown>): string[] {
  const cve = /^[A-Z]+-(CVE-\d{4}-\d{4,})$/.exec(id)?.[1];
  return cve !== undefined && ['upstream', 'related'].some((member) => texts(record[member], LIMIT.id).includes(cve)) ? [cve] : [];
}

function factsOf(record: Record<string, unknown>, affected: readonly Record<string, unknown>[], modified: string, withdrawn: string | null): AdvisoryFacts {
  const own = isRecord(record['database_specific']) ? record['database_specific'] : {};
  const vectors = vectorsOf(record['severity']);
  const cvss = judgeCvss(vectors.length > 0 ? vectors : affected.flatMap((entry) => vectorsOf(entry['severity'])));
  const references = records(record['references']).flatMap((reference) => {
    const url = text(reference['url'], LIMIT.url);
    return url !== null && /^https?:\/\//i.test(url) ? [{ type: text(reference['type'], 32) ?? 'WEB', url }] : [];
  });
  return {
    summary: text(record['summary'], LIMIT.summary),
    details: text(record['details'], LIMIT.details),
    severity: cvss?.severity ?? severityInWords(record, affected) ?? 'unknown',
    cvss_score: cvss?.score ?? null,
    cvss_vector: cvss?.vector ?? null,
    cwes: texts(own['cwe_ids'], 32).filter((cwe) => /^CWE-\d+$/.test(cwe)).slice(0, LIMIT.cwes),
    references: references.slice(0, LIMIT.references),
    published: timestamp(record['published']),
    modified,
    withdrawn,
  };
}

/** Where there is no vector: GitHub's word on the record, Ubuntu's in place of a score, Debian's urgency of a package, or how Red Hat and its kin begin a summary; the worst of several. */
function severityInWords(record: Record<string, unknown>, affected: readonly Record<string, unknown>[]): Severity | undefined {
  const words = [
    memberOf(record['database_specific'], 'severity'), ...vectorsOf(record['severity']), ...affected.flatMap((entry) => vectorsOf(entry['severity'])),
    ...affected.flatMap((entry) => ['ecosystem_specific', 'database_specific'].flatMap((place) => ['severity', 'urgency'].map((name) => memberOf(entry[place], name)))),
    /^(Critical|Important|Moderate|Low): /.exec(text(record['summary'], LIMIT.summary) ?? '')?.[1],
  ];
  const said = new Set(words.map((word) => SEVERITY_WORDS.get((text(word, 32) ?? '').toLowerCase())));
  return WORST.find((severity) => said.has(severity));
}

const memberOf = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined);
const vectorsOf = (severity: unknown): string[] => records(severity).flatMap((one) => text(one['score'], 500) ?? []);

function timestamp(value: unknown): string | null {
  if (typeof value !== 'string' || !/^[12]\d{3}-\d\d-\d\d/.test(value)) return null;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** OSV records (ossf.github.io/osv-schema) to what is stored of them: facts on the vulnerability, and intervals of affected versions. */
import { isRecord } from '../core/values.ts';
import { matchEcosystem, matchName } from './coordinates.ts';
import { judgeCvss, type Severity } from './cvss.ts';
import { hasOrder, versionKey } from './versions/index.ts';

/** Part of every content hash: a change in how records are read makes the next import read all of them again. */
export const READER_VERSION = 2;

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

/** Affected versions of one package: an interval of keys, or exact versions that have no key. */
export interface AdvisoryRange {
  ecosystem: string;
  matchName: string;
  /** Null for a row of exact versions. */
  introduced: string | null;
  /** The empty buffer is before all versions. */
  introducedKey: Buffer | null;
  /** The first version that is not affected any longer, where the record names a fix. */
  fixed: string | null;
  /** Exclusive upper bound: the fix, or the `limit`. */
  fixedKey: Buffer | null;
  lastAffected: string | null;
  lastKey: Buffer | null;
  exact: readonly string[];
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

const LIMIT = { id: 128, names: 64, summary: 1000, details: 20_000, references: 100, cwes: 20, url: 2000, affected: 20_000, version: 256 };
/** Go's zero time: the Go database writes it for "not told" in its own exports. */
const NO_DATE = /^0001-01-01T00:00:00(?:\.0+)?Z$/;
const SEVERITY_WORDS: Readonly<Record<string, Severity>> = { critical: 'critical', high: 'high', moderate: 'medium', medium: 'medium', low: 'low', none: 'info', informational: 'info' };

/** Throws an Error that says why the record cannot be used at all. */
export function readOsv(record: unknown): Advisory {
  if (!isRecord(record)) throw new Error('is not an object');
  const id = text(record['id'], LIMIT.id);
  if (id === null || !/^[A-Za-z][\w.:+-]*$/.test(id)) throw new Error('has no id');
  const faults: string[] = [];
  const modified = timestamp(record['modified']) ?? timestamp(record['published']) ?? new Date(0).toISOString();
  if (timestamp(record['modified']) === null && !NO_DATE.test(text(record['modified'], 32) ?? '')) faults.push('has no valid "modified", so its date of publication stands for it');
  const names = [...new Set([id, ...texts(record['aliases'], LIMIT.id)])].slice(0, LIMIT.names);
  const affected = records(record['affected']);
  if (affected.length > LIMIT.affected) throw new Error(`names more than ${LIMIT.affected} packages`);
  const withdrawn = timestamp(record['withdrawn']);
  const ranges = withdrawn === null ? affected.flatMap((entry) => rangesOf(entry, faults)) : [];
  return { id, names, ranges, faults, facts: factsOf(record, affected, modified, withdrawn) };
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
    severity: cvss?.severity ?? SEVERITY_WORDS[(text(own['severity'], 32) ?? '').toLowerCase()] ?? 'unknown',
    cvss_score: cvss?.score ?? null,
    cvss_vector: cvss?.vector ?? null,
    cwes: texts(own['cwe_ids'], 32).filter((cwe) => /^CWE-\d+$/.test(cwe)).slice(0, LIMIT.cwes),
    references: references.slice(0, LIMIT.references),
    published: timestamp(record['published']),
    modified,
    withdrawn,
  };
}

const vectorsOf = (severity: unknown): string[] => records(severity).flatMap((one) => text(one['score'], 500) ?? []);

function rangesOf(entry: Record<string, unknown>, faults: string[]): AdvisoryRange[] {
  const named = isRecord(entry['package']) ? entry['package'] : {};
  const written = text(named['ecosystem'], 128);
  const name = text(named['name'], 512);
  if (written === null || name === null) return []; // a record on commits of a repository, not on a package
  const ecosystem = matchEcosystem(written);
  const base: AdvisoryRange = { ecosystem, matchName: matchName(ecosystem, name), introduced: null, introducedKey: null, fixed: null, fixedKey: null, lastAffected: null, lastKey: null, exact: [] };
  const intervals = records(entry['ranges']).flatMap((range) => {
    if (range['type'] === 'GIT' || !hasOrder(ecosystem)) return [];
    try {
      return intervalsOf(base, records(range['events']));
    } catch (error) {
      faults.push(`${ecosystem} ${name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
  return [...intervals, ...exactOf(base, texts(entry['versions'], LIMIT.version), intervals)];
}

interface Bound {
  /** A fix ends an interval before a new one begins at the same version; the last affected version ends it after. */
  rank: number;
  kind: 'introduced' | 'fixed' | 'limit' | 'last_affected';
  version: string;
  key: Buffer;
}
const KINDS = ['fixed', 'limit', 'introduced', 'last_affected'] as const;

/** The evaluation algorithm of the schema as a list of intervals: events in version order open and close. */
function intervalsOf(base: AdvisoryRange, events: readonly Record<string, unknown>[]): AdvisoryRange[] {
  const bounds = events.flatMap((event) => KINDS.flatMap((kind, rank) => boundOf(base.ecosystem, kind, rank, event[kind])));
  const intervals: AdvisoryRange[] = [];
  let open: AdvisoryRange | null = null;
  for (const { kind, version, key } of bounds.sort((a, b) => Buffer.compare(a.key, b.key) || a.rank - b.rank)) {
    if (kind === 'introduced') open ??= { ...base, introduced: version, introducedKey: key };
    else if (open !== null) {
      intervals.push(kind === 'last_affected' ? { ...open, lastAffected: version, lastKey: key } : { ...open, fixed: kind === 'fixed' ? version : null, fixedKey: key });
      open = null;
    }
  }
  return open === null ? intervals : [...intervals, open];
}

const START = Buffer.alloc(0);

function boundOf(ecosystem: string, kind: Bound['kind'], rank: number, value: unknown): Bound[] {
  if (value === undefined || (kind === 'limit' && value === '*')) return [];
  const version = text(value, LIMIT.version);
  if (version === null) throw new Error(`the event "${kind}" has no version`);
  const key = kind === 'introduced' && version === '0' ? START : versionKey(ecosystem, version);
  if (key === null) throw new Error(`'${version}' is no version of ${ecosystem}`);
  return [{ kind, rank, version, key }];
}

/** Versions that the intervals do not cover: as intervals of one version, or as they are where they have no key. */
function exactOf(base: AdvisoryRange, versions: readonly string[], intervals: readonly AdvisoryRange[]): AdvisoryRange[] {
  const keyless: string[] = [];
  const points = new Map<string, AdvisoryRange>();
  for (const version of new Set(versions)) {
    const key = versionKey(base.ecosystem, version);
    if (key === null) keyless.push(version);
    else if (!intervals.some((interval) => covers(interval, key))) points.set(key.toString('latin1'), { ...base, introduced: version, introducedKey: key, lastAffected: version, lastKey: key });
  }
  return keyless.length === 0 ? [...points.values()] : [...points.values(), { ...base, exact: keyless }];
}

/** Is the version of this key in the interval? The same rule as in the database's matcher. */
export function covers({ introducedKey, fixedKey, lastKey }: AdvisoryRange, key: Buffer): boolean {
  return introducedKey !== null && Buffer.compare(introducedKey, key) <= 0 && (fixedKey === null || Buffer.compare(key, fixedKey) < 0) && (lastKey === null || Buffer.compare(key, lastKey) <= 0);
}

/** Without NUL, which PostgreSQL does not store; null where it is no text or empty. */
function text(value: unknown, length: number): string | null {
  if (typeof value !== 'string') return null;
  const clean = value.replaceAll('\u0000', '').trim().slice(0, length);
  return clean === '' ? null : clean;
}

const texts = (value: unknown, length: number): string[] => (Array.isArray(value) ? value.flatMap((one) => text(one, length) ?? []) : []);
const records = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function timestamp(value: unknown): string | null {
  if (typeof value !== 'string' || !/^[12]\d{3}-\d\d-\d\d/.test(value)) return null;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

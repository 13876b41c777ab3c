/** What an OSV record says is affected, to intervals of sortable keys. */
import { isRecord } from '../core/values.ts';
import { matchEcosystem, matchName } from './coordinates.ts';
import { records, text, texts } from './fields.ts';
import { hasOrder, versionKey } from './versions/index.ts';

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
  /** Exclusive upper bound: the fix, or `limited`. */
  fixedKey: Buffer | null;
  /** The bound where it is no fix: nothing is said of this version and those after it. */
  limited: string | null;
  lastAffected: string | null;
  lastKey: Buffer | null;
  exact: readonly string[];
  /** Says no more than that the package is affected: counts only where no other record of the vulnerability speaks of the package. */
  weak: boolean;
  /** Go: import paths of the packages in the module that are affected; empty where the record does not tell. */
  imports: readonly string[];
}

const MAX_VERSION_LENGTH = 256;
const MAX_IMPORTS = 50;

/**
 * @param entry of `affected`
 * @param unreviewed made by a program from another record, which may have lost its versions on the way (Go's database says so)
 * @param faults takes, in words, what could not be used
 */
export function rangesOf(entry: Record<string, unknown>, unreviewed: boolean, faults: string[]): AdvisoryRange[] {
  const named = isRecord(entry['package']) ? entry['package'] : {};
  const written = text(named['ecosystem'], 128);
  const name = text(named['name'], 512);
  const onlyCommits = records(entry['ranges']).length > 0 && records(entry['ranges']).every((range) => range['type'] === 'GIT') && texts(entry['versions'], 1).length === 0;
  if (onlyCommits) faults.push(`${name === null ? '' : `${written ?? ''} ${name}: `}names commits only, by which nothing is matched`);
  if (written === null || name === null) return [];
  const ecosystem = matchEcosystem(written);
  const specific = isRecord(entry['ecosystem_specific']) ? entry['ecosystem_specific'] : {};
  const base: AdvisoryRange = {
    ecosystem, matchName: matchName(ecosystem, name), introduced: null, introducedKey: null, fixed: null, fixedKey: null, limited: null, lastAffected: null, lastKey: null, exact: [], weak: false,
    imports: ecosystem === 'Go' ? records(specific['imports']).flatMap((one) => text(one['path'], 256) ?? []).slice(0, MAX_IMPORTS) : [],
  };
  const read = (events: readonly Record<string, unknown>[]): AdvisoryRange[] | null => {
    try {
      return intervalsOf(base, events);
    } catch (error) {
      faults.push(`${ecosystem} ${name}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  const eventsOf = (ranges: unknown): Record<string, unknown>[][] => (hasOrder(ecosystem) ? records(ranges).flatMap((range) => (range['type'] === 'GIT' ? [] : [records(range['events'])])) : []);
  const stated = eventsOf(entry['ranges']);
  const custom = ecosystem === 'Go' ? eventsOf(specific['custom_ranges']).flat() : [];
  const all = (custom.length === 0 ? null : withCustom(stated, custom, read)) ?? stated.flatMap((events) => read(events) ?? []);
  const intervals = unreviewed ? all.map((interval) => ({ ...interval, weak: saysNothing(interval) })) : all;
  return [...intervals, ...exactOf(base, texts(entry['versions'], MAX_VERSION_LENGTH), intervals)];
}

const isOpen = ({ fixedKey, lastKey }: AdvisoryRange): boolean => fixedKey === null && lastKey === null;
const isEverything = (events: readonly Record<string, unknown>[]): boolean => events.length === 1 && events[0]?.['introduced'] === '0';
/** All versions, or all that a module without tags can have. */
const saysNothing = (interval: AdvisoryRange): boolean => interval.introduced === '0' && interval.lastKey === null && interval.fixed === null && (isOpen(interval) || interval.limited === UNTAGGED);

/** Pseudo-versions of modules without tags, v0.0.0-20240102030405-abcdefabcdef, come before it. */
const UNTAGGED = '0.0.0';

/**
 * Go's database keeps versions that its proxy does not know (tags that do not fit the module's path) apart, as custom ranges, and then often calls all versions affected in the
 * ranges proper. The events of a range that never ends are evaluated together with the custom ones; where it does not say either where it begins, those stand for it, but for
 * pseudo-versions without a tag, which they cannot speak of. Where all ranges proper end, custom intervals count that end too and share no version with those: others contradict
 * a fix that is stated, often since they count in another way (vitess 0.19.4 is 19.0.4). Null where the custom ones cannot be read.
 */
function withCustom(stated: readonly (readonly Record<string, unknown>[])[], custom: readonly Record<string, unknown>[], read: (events: readonly Record<string, unknown>[]) => AdvisoryRange[] | null): AdvisoryRange[] | null {
  const ranges = stated.map((events) => ({ events, intervals: read(events) ?? [] }));
  const endless = ranges.filter(({ intervals }) => intervals.some(isOpen));
  const together = read([...endless.flatMap(({ events }) => (isEverything(events) ? [] : events)), ...custom]);
  if (together === null) return null;
  if (endless.length === 0 && ranges.length > 0) {
    const proper = ranges.flatMap(({ intervals }) => intervals);
    return [...proper, ...together.filter((interval) => !isOpen(interval) && !proper.some((other) => overlap(interval, other)))];
  }
  const untagged = endless.some(({ events }) => isEverything(events)) ? (read([{ introduced: '0' }, { limit: UNTAGGED }]) ?? []) : [];
  return [...untagged, ...ranges.filter((range) => !endless.includes(range)).flatMap(({ intervals }) => intervals), ...together];
}

function overlap(a: AdvisoryRange, b: AdvisoryRange): boolean {
  const begins = ({ introducedKey }: AdvisoryRange): Buffer => introducedKey ?? START;
  const isBefore = (one: AdvisoryRange, other: AdvisoryRange): boolean =>
    (one.fixedKey !== null && Buffer.compare(one.fixedKey, begins(other)) <= 0) || (one.lastKey !== null && Buffer.compare(one.lastKey, begins(other)) < 0);
  return !isBefore(a, b) && !isBefore(b, a);
}

interface Bound {
  /** A fix ends an interval before a new one begins at the same version; the last affected version ends it after. */
  rank: number;
  kind: 'introduced' | 'fixed' | 'limit' | 'last_affected';
  version: string;
  key: Buffer;
}
const KINDS = ['fixed', 'introduced', 'last_affected', 'limit'] as const;

/** The evaluation algorithm of the schema as a list of intervals: events in version order open and close; nothing is said from the highest limit on. */
function intervalsOf(base: AdvisoryRange, events: readonly Record<string, unknown>[]): AdvisoryRange[] {
  const bounds = events.flatMap((event) => KINDS.flatMap((kind, rank) => boundOf(base.ecosystem, kind, rank, event[kind]))).sort((a, b) => Buffer.compare(a.key, b.key) || a.rank - b.rank);
  const intervals: AdvisoryRange[] = [];
  let open: AdvisoryRange | null = null;
  for (const { kind, version, key } of bounds) {
    if (kind === 'introduced') open ??= { ...base, introduced: version, introducedKey: key };
    else if (kind !== 'limit' && open !== null) {
      intervals.push(kind === 'last_affected' ? { ...open, lastAffected: version, lastKey: key } : { ...open, fixed: version, fixedKey: key });
      open = null;
    }
  }
  if (open !== null) intervals.push(open);
  const limit = events.some((event) => event['limit'] === '*') ? undefined : bounds.findLast(({ kind }) => kind === 'limit');
  return limit === undefined ? intervals : intervals.flatMap((interval) => before(interval, limit));
}

function before(interval: AdvisoryRange, { version, key }: Bound): AdvisoryRange[] {
  if (interval.introducedKey === null || Buffer.compare(interval.introducedKey, key) >= 0) return [];
  const ends = interval.fixedKey ?? interval.lastKey;
  const isBefore = ends !== null && (interval.fixedKey === null ? Buffer.compare(ends, key) < 0 : Buffer.compare(ends, key) <= 0);
  return [isBefore ? interval : { ...interval, fixed: null, fixedKey: key, limited: version, lastAffected: null, lastKey: null }];
}

const START = Buffer.alloc(0);

function boundOf(ecosystem: string, kind: Bound['kind'], rank: number, value: unknown): Bound[] {
  if (value === undefined || (kind === 'limit' && value === '*')) return [];
  const version = text(value, MAX_VERSION_LENGTH);
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

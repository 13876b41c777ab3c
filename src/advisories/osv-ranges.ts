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
  /** Exclusive upper bound: the fix, or the `limit`. */
  fixedKey: Buffer | null;
  lastAffected: string | null;
  lastKey: Buffer | null;
  exact: readonly string[];
}

const MAX_VERSION_LENGTH = 256;

/** @param entry of `affected`  @param faults takes, in words, what could not be used */
export function rangesOf(entry: Record<string, unknown>, faults: string[]): AdvisoryRange[] {
  const named = isRecord(entry['package']) ? entry['package'] : {};
  const written = text(named['ecosystem'], 128);
  const name = text(named['name'], 512);
  if (written === null || name === null) return []; // a record on commits of a repository, not on a package
  const ecosystem = matchEcosystem(written);
  const base: AdvisoryRange = { ecosystem, matchName: matchName(ecosystem, name), introduced: null, introducedKey: null, fixed: null, fixedKey: null, lastAffected: null, lastKey: null, exact: [] };
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
  const custom = ecosystem === 'Go' && isRecord(entry['ecosystem_specific']) ? eventsOf(entry['ecosystem_specific']['custom_ranges']).flat() : [];
  const intervals = (custom.length === 0 ? null : withCustom(stated, custom, read)) ?? stated.flatMap((events) => read(events) ?? []);
  return [...intervals, ...exactOf(base, texts(entry['versions'], MAX_VERSION_LENGTH), intervals)];
}

/**
 * Go's database keeps versions that its proxy does not know (tags that do not fit the module's path) apart, as custom ranges, and then often calls all versions affected in the
 * ranges proper. The events of a range that never ends are evaluated together with the custom ones; where it does not say either where it begins, those stand for it.
 * Null where the custom ones cannot be read.
 */
function withCustom(stated: readonly (readonly Record<string, unknown>[])[], custom: readonly Record<string, unknown>[], read: (events: readonly Record<string, unknown>[]) => AdvisoryRange[] | null): AdvisoryRange[] | null {
  const ranges = stated.map((events) => ({ events, intervals: read(events) ?? [] }));
  const isOpen = ({ intervals }: { intervals: readonly AdvisoryRange[] }): boolean => intervals.some(({ fixedKey, lastKey }) => fixedKey === null && lastKey === null);
  const isEverything = (events: readonly Record<string, unknown>[]): boolean => events.length === 1 && events[0]?.['introduced'] === '0';
  const together = read([...ranges.filter(isOpen).flatMap(({ events }) => (isEverything(events) ? [] : events)), ...custom]);
  return together === null ? null : [...ranges.filter((range) => !isOpen(range)).flatMap(({ intervals }) => intervals), ...together];
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

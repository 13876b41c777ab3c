/**
 * Do ranges and lists of OSV records agree? `sh scripts/node.sh test/bench/versions-agree.ts FOLDER [SEED]`, the folder with OSV exports
 * (zips). Ranges are read without the record's list of versions, since the import adds what they do not cover; then both directions:
 * what the list names must be in a range, and what it lacks though the package has it (other records name it) must be in none. 200 pairs
 * drawn from the lists, and 200 events of records without lists, also go through the import and the matcher in a database.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { coordinatesOf } from '../../src/advisories/coordinates.ts';
import { covers, type AdvisoryRange } from '../../src/advisories/osv-ranges.ts';
import { readOsv } from '../../src/advisories/osv.ts';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { isRecord } from '../../src/core/values.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { openEmbedded } from '../../src/db/embedded.ts';
import { matchPackageVersions } from '../../src/db/matches.ts';
import { migrate } from '../../src/db/migrate.ts';
import { ensurePackageVersions } from '../../src/db/packages.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { readSource } from '../support/advisories.ts';

const DRAWN = 200;
const log = { info: (): void => undefined, warn: (): void => undefined, error: console.error };
const TYPES: Readonly<Record<string, string>> = { PyPI: 'pypi', Go: 'golang', npm: 'npm', RubyGems: 'gem', 'crates.io': 'cargo', NuGet: 'nuget', Packagist: 'composer', Hex: 'hex', Pub: 'pub' };

/** What one record says of one package. */
interface Entry {
  id: string;
  ecosystem: string;
  name: string;
  listed: ReadonlySet<string>;
  /** From the ranges alone. */
  ranges: readonly AdvisoryRange[];
  events: readonly { kind: string; version: string }[];
}
interface Pair { entry: Entry; version: string; affected: boolean }

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const recordsOf = (value: unknown): Record<string, unknown>[] => list(value).filter(isRecord);
const textsOf = (value: unknown): string[] => list(value).filter((one) => typeof one === 'string');

/** A record's entries, those of one package together, as the matcher sees them; none where it is withdrawn. */
function entriesOf(record: unknown): Entry[] {
  if (!isRecord(record) || typeof record['id'] !== 'string' || record['withdrawn'] !== undefined) return [];
  const id = record['id'];
  const affected = recordsOf(record['affected']);
  const { ranges } = readOsv({ ...record, affected: affected.map((one) => ({ ...one, versions: [] })) });
  const byName = Map.groupBy(affected.filter((one) => isRecord(one['package'])), ({ package: named }) => (isRecord(named) ? `${String(named['ecosystem'])}\n${String(named['name'])}` : ''));
  return [...byName].flatMap(([key, parts]) => {
    const [ecosystem = '', name = ''] = key.split('\n');
    const match = coordinatesOf(purlOf(ecosystem, name));
    const events = parts.flatMap((part) => recordsOf(part['ranges']).filter((range) => range['type'] !== 'GIT').flatMap((range) => recordsOf(range['events']).flatMap((event) => Object.entries(event).map(([kind, version]) => ({ kind, version: String(version) })))));
    return [{ id, ecosystem, name, listed: new Set(parts.flatMap((part) => textsOf(part['versions']))), ranges: ranges.filter((range) => range.ecosystem === match?.ecosystem && range.matchName === match.matchName), events }];
  });
}

function purlOf(ecosystem: string, name: string): { type: string; namespace: string; name: string } {
  const at = ecosystem === 'PyPI' ? -1 : name.lastIndexOf('/');
  return { type: TYPES[ecosystem] ?? '', namespace: at === -1 ? '' : name.slice(0, at), name: name.slice(at + 1) };
}

/** By the ranges; null where the version has no key. */
function inRanges({ ecosystem, ranges }: Entry, version: string): boolean | null {
  const key = versionKey(ecosystem, version);
  return key === null ? null : ranges.some((range) => covers(range, key));
}

function describe({ id, ecosystem, name, events }: Entry, version: string, what: string): void {
  console.log(`  ${id} ${ecosystem} ${name} ${version}: ${what}; events ${events.map((event) => `${event.kind} ${event.version}`).join(', ') || 'none'}`);
}

/** Why the ranges alone do not say what was drawn. */
function verdict(entry: Entry, version: string, affected: boolean): string {
  if (inRanges(entry, version) === null) return 'has no key (matched by text)';
  return affected ? 'named, but in no range' : 'a fix that another range of the record covers';
}

/** Every pair of every list, in both directions; what disagrees is shown a line an entry. */
function compareAll(entries: readonly Entry[]): void {
  const known = Map.groupBy(entries, ({ ecosystem, name }) => `${ecosystem} ${name}`);
  const count = { listed: 0, keyless: 0, outside: 0, others: 0, unlisted: 0 };
  const lines: (() => void)[] = [];
  for (const entry of entries.filter((one) => one.listed.size > 0)) {
    const inside = [...entry.listed].map((version) => ({ version, inside: inRanges(entry, version) }));
    const others = [...new Set(known.get(`${entry.ecosystem} ${entry.name}`)?.flatMap(({ listed }) => [...listed]))].filter((version) => !entry.listed.has(version));
    const outside = inside.filter((one) => one.inside === false).map(({ version }) => version);
    const unlisted = others.filter((version) => inRanges(entry, version) === true);
    count.listed += inside.length;
    count.keyless += inside.filter((one) => one.inside === null).length;
    count.outside += outside.length;
    count.others += others.length;
    count.unlisted += unlisted.length;
    if (outside.length > 0) lines.push(() => describe(entry, some(outside), 'listed, but in no range (matched as points)'));
    if (unlisted.length > 0) lines.push(() => describe(entry, some(unlisted), 'in a range, but not listed (matched: ranges and lists add up)'));
  }
  console.log(`all pairs: ${count.listed} listed, of them ${count.keyless} without a key (matched by text) and ${count.outside} in no range; ${count.others} not listed, of them ${count.unlisted} in a range`);
  for (const line of lines) line();
}

const some = (versions: readonly string[]): string => `${versions.slice(0, 6).join(' ')}${versions.length > 6 ? ` and ${versions.length - 6} more` : ''}`;

/** Seeded; the same pairs again for the same data. */
function draw<T>(all: readonly T[], count: number, seed: number): T[] {
  let state = seed;
  return Array.from({ length: Math.min(count, all.length) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return all[Math.floor((state / 2 ** 32) * all.length)];
  }).filter((one) => one !== undefined);
}

/** The pairs through import and matcher. */
async function compareInDatabase(folder: string, pairs: readonly Pair[]): Promise<number> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sca-portal-agree-'));
  const embedded = await openEmbedded({ dataDir, log });
  try {
    await migrate(embedded.url, { log });
    const database = openDatabase(embedded.url, { max: 2, applicationName: 'versions-agree', log, prepare: true });
    try {
      for (const file of (await readdir(folder)).filter((name) => name.endsWith('.zip'))) {
        const begin = performance.now();
        const report = await importAdvisories({ db: database.db, enqueue: () => Promise.resolve('') }, path.join(folder, file), () => undefined);
        console.log(`${file}: ${report.records} records, ${report.refused} refused, ${report.faults.length} faults, ${((performance.now() - begin) / 1000).toFixed(1)} s`);
        for (const fault of report.faults) console.log(`  ${fault}`);
      }
      const ids = await ensurePackageVersions(database.db, pairs.map(({ entry, version }) => ({ ...purlOf(entry.ecosystem, entry.name), version })));
      await matchPackageVersions(database.db, [...new Set(ids)]);
      const { rows } = await sql<{ id: number; advisory: string }>`SELECT package_version_id AS id, unnest(advisory_ids) AS advisory FROM matches`.execute(database.db);
      const matched = new Set(rows.map(({ id, advisory }) => `${id} ${advisory}`));
      const wrong = pairs.filter(({ entry, affected }, index) => matched.has(`${ids[index] ?? 0} ${entry.id}`) !== affected);
      for (const { entry, version, affected } of wrong) describe(entry, version, affected ? 'the database does not match it' : 'the database matches it, since another range of the record covers this fix');
      return wrong.length;
    } finally {
      await database.close();
    }
  } finally {
    await embedded.stop(10_000);
    await rm(dataDir, { recursive: true, force: true });
  }
}

const [folder, seed = '1'] = process.argv.slice(2);
if (folder === undefined) throw new Error('Usage: versions-agree.ts FOLDER [SEED]');
const entries: Entry[] = [];
for await (const item of readSource(folder)) if (item.kind === 'osv') entries.push(...entriesOf(item.record));
const listed = entries.flatMap((entry) => [...entry.listed].map((version) => ({ entry, version, affected: true })));
const bounds = entries.filter((entry) => entry.listed.size === 0).flatMap((entry) => entry.events.filter(({ kind, version }) => version !== '0' && (kind === 'introduced' || kind === 'fixed' || kind === 'last_affected')).map(({ kind, version }) => ({ entry, version, affected: kind !== 'fixed' })));
const pairs = [...draw(listed, DRAWN, Number(seed)), ...draw(bounds, DRAWN, Number(seed))];
console.log(`${entries.length} entries; ${pairs.length} pairs drawn, of ${listed.length} listed versions and ${bounds.length} events of entries without lists`);
for (const { entry, version, affected } of pairs.filter((pair) => inRanges(pair.entry, pair.version) !== pair.affected)) describe(entry, version, verdict(entry, version, affected));
console.log(`${await compareInDatabase(folder, pairs)} of the ${pairs.length} pairs disagree in the database`);
compareAll(entries);

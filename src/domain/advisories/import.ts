/**
 * Importing vulnerability data: everything at a path in one transaction. What has not changed is passed over; advisories that share names
 * become one vulnerability; only package versions of touched packages are matched again, and all projects' findings follow.
 */
import { readOsv } from '../../advisories/osv.ts';
import { readSource, type ExploitedEntry, type PredictionEntry } from '../../advisories/read.ts';
import { messageOf } from '../../core/values.ts';
import {
  applyAdvisories, beginImport, externalIds, factsOf, insertVulnerabilities, mergeVulnerabilities, recordSource, relatedAdvisories, replaceExploited, replacePredictions,
  stageAdvisories, touchedPackageVersions, updateVulnerabilities, type HashedAdvisory, type RelatedAdvisory,
} from '../../db/advisories.ts';
import type { Tx } from '../../db/connect.ts';
import { lockMatching, rematchPackageVersions } from '../../db/matches.ts';
import { refreshDescribed, refreshFindings } from '../../db/refresh.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { groupAdvisories, type AdvisoryGroup } from './group.ts';
import { mergeFacts } from './merge.ts';

export interface ImportReport {
  /** Advisories that could be read. */
  records: number;
  /** Of those, the new and changed ones. */
  changed: number;
  /** Records and files that could not be read. */
  refused: number;
  exploited: number;
  predictions: number;
  /** Vulnerabilities that the changed advisories make up. */
  vulnerabilities: number;
  /** Package versions matched again. */
  rematched: number;
  findingsOpened: number;
  findingsResolved: number;
  /** The first faults, in words: what could not be read, and parts of records that could not be used. */
  faults: string[];
}

const BATCH = 1_000;
const MAX_FAULTS = 50;

/** Throws SourceError where there is nothing at `location`; a broken record or file is reported and the rest imported. */
export function importAdvisories(services: Pick<Services, 'db'>, location: string, onProgress: (records: number) => void): Promise<ImportReport> {
  return inTransaction(services.db, async (tx) => {
    const report: ImportReport = { records: 0, changed: 0, refused: 0, exploited: 0, predictions: 0, vulnerabilities: 0, rematched: 0, findingsOpened: 0, findingsResolved: 0, faults: [] };
    await beginImport(tx);
    const { exploited, predictions } = await stage(tx, location, report, onProgress);
    await lockMatching(tx, 'exclusive');
    if (exploited !== null) await replaceExploited(tx, exploited);
    if (predictions !== null) await replacePredictions(tx, predictions);
    if (report.changed > 0) await apply(tx, report); // last: from here on projects are locked
    if (report.changed > 0 || exploited !== null || predictions !== null) await refreshDescribed(tx);
    return report;
  });
}

interface SideData {
  exploited: ExploitedEntry[] | null;
  predictions: PredictionEntry[] | null;
}

/** Reads the source into the staging tables. */
async function stage(tx: Tx, location: string, report: ImportReport, onProgress: (records: number) => void): Promise<SideData> {
  const side: SideData = { exploited: null, predictions: null };
  const bySource = new Map<string, { name: string; records: number; refused: number; newestModified: string | null }>();
  let batch: HashedAdvisory[] = [];
  const flush = async (): Promise<void> => {
    report.changed += await stageAdvisories(tx, batch);
    batch = [];
    onProgress(report.records);
  };
  const fault = (origin: string, message: string): void => {
    if (report.faults.length < MAX_FAULTS) report.faults.push(`${origin}: ${message}`);
  };
  for await (const item of readSource(location)) {
    if (item.kind === 'kev') side.exploited = [...(side.exploited ?? []), ...item.entries];
    else if (item.kind === 'epss') side.predictions = [...(side.predictions ?? []), ...item.entries];
    else if (item.kind === 'fault') {
      report.refused += 1;
      fault(item.origin, item.message);
    } else {
      try {
        const advisory = readOsv(item.record);
        for (const part of advisory.faults) fault(advisory.id, part);
        batch.push({ ...advisory, hash: item.hash });
        report.records += 1;
        const name = `osv:${advisory.id.split('-')[0] ?? ''}`;
        const source = bySource.get(name) ?? { name, records: 0, refused: 0, newestModified: null };
        source.records += 1;
        if (source.newestModified === null || source.newestModified < advisory.facts.modified) source.newestModified = advisory.facts.modified;
        bySource.set(name, source);
      } catch (error) {
        report.refused += 1;
        fault(item.origin, messageOf(error));
      }
      if (batch.length >= BATCH) await flush();
    }
  }
  await flush();
  report.exploited = side.exploited?.length ?? 0;
  report.predictions = side.predictions?.length ?? 0;
  if (side.exploited !== null) bySource.set('kev', { name: 'kev', records: report.exploited, refused: 0, newestModified: null });
  if (side.predictions !== null) bySource.set('epss', { name: 'epss', records: report.predictions, refused: 0, newestModified: null });
  for (const source of bySource.values()) await recordSource(tx, source);
  return side;
}

/** Staged advisories -> vulnerabilities -> matches -> findings. */
async function apply(tx: Tx, report: ImportReport): Promise<void> {
  const related = await relatedAdvisories(tx);
  const groups = await placeGroups(tx, related, groupAdvisories(related));
  await applyAdvisories(tx, new Map(groups.flatMap(({ group, id }) => group.advisoryIds.map((advisoryId): [string, number] => [advisoryId, id]))));
  await mergeVulnerabilities(tx, abandoned(related, groups));
  for (let start = 0; start < groups.length; start += BATCH) await describe(tx, groups.slice(start, start + BATCH));
  const versions = await touchedPackageVersions(tx);
  if (versions.length > 0) {
    await rematchPackageVersions(tx, versions);
    const { opened, resolved } = await refreshFindings(tx, { packageVersionIds: versions });
    report.findingsOpened = opened;
    report.findingsResolved = resolved;
  }
  report.vulnerabilities = groups.length;
  report.rematched = versions.length;
}

interface PlacedGroup {
  group: AdvisoryGroup;
  /** Of its vulnerability. */
  id: number;
}

/** Gives each group a vulnerability: the one of its advisories that bears its name, else any of theirs, else a new one. */
async function placeGroups(tx: Tx, related: readonly RelatedAdvisory[], groups: readonly AdvisoryGroup[]): Promise<PlacedGroup[]> {
  const former = new Map(related.map((advisory) => [advisory.id, advisory.vulnerability_id]));
  const nameOf = await externalIds(tx, [...new Set([...former.values()].filter((id) => id !== null))]);
  const candidates = groups.map((group) => [...new Set(group.advisoryIds.flatMap((id) => former.get(id) ?? []))].sort((a, b) => a - b));
  const named = groups.map((group, index) => candidates[index]?.find((id) => nameOf.get(id) === group.externalId));
  const taken = new Set(named);
  const chosen = groups.map((group, index) => {
    const id = named[index] ?? candidates[index]?.find((candidate) => !taken.has(candidate));
    taken.add(id);
    return { group, id };
  });
  const fresh = await insertVulnerabilities(tx, chosen.flatMap(({ group, id }) => (id === undefined ? [group.externalId] : [])));
  return chosen.map(({ group, id }) => {
    const placed = id ?? fresh.shift();
    if (placed === undefined) throw new Error(`${group.externalId} has no vulnerability`);
    return { group, id: placed };
  });
}

/** Vulnerabilities that no group has taken -> the one that its first advisory is now part of. */
function abandoned(related: readonly RelatedAdvisory[], groups: readonly PlacedGroup[]): Map<number, number> {
  const now = new Map(groups.flatMap(({ group, id }) => group.advisoryIds.map((advisoryId) => [advisoryId, id])));
  const kept = new Set(now.values());
  const moves = related.flatMap(({ id, vulnerability_id: former }): [number, number][] => {
    const present = now.get(id);
    return former === null || present === undefined || kept.has(former) ? [] : [[former, present]];
  });
  return new Map(moves.reverse());
}

async function describe(tx: Tx, groups: readonly PlacedGroup[]): Promise<void> {
  const spoken = Map.groupBy(await factsOf(tx, groups.map(({ id }) => id)), (advisory) => advisory.vulnerability_id);
  await updateVulnerabilities(tx, groups.map(({ group, id }) => ({ id, external_id: group.externalId, aliases: group.aliases, ...mergeFacts(spoken.get(id) ?? []) })));
}

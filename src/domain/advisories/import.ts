/**
 * Importing vulnerability data: everything at a path in one transaction. What has not changed is passed over; advisories that share names
 * become one vulnerability; only package versions of touched packages are matched again, and all projects' findings follow.
 */
import { applyAdvisories, beginImport, touchedPackageVersions } from '../../db/advisories.ts';
import { recordSource } from '../../db/advisory-sources.ts';
import type { Tx } from '../../db/connect.ts';
import { replaceExploited, replacePredictions } from '../../db/exploitation.ts';
import { lockMatching, rematchPackageVersions } from '../../db/matches.ts';
import { refreshDescribed, refreshFindings } from '../../db/refresh.ts';
import { moveFindings } from '../../db/regroup.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { describeGroups, regroup, successions } from './regroup.ts';
import { emptyReport, type ImportReport } from './report.ts';
import { stageSource, type Fetched } from './stage.ts';

/**
 * Throws SourceError where there is nothing at `location`; a broken record or file is reported and the rest imported. Gates and whatever else follows from
 * findings is told to the workers when the import commits.
 */
export function importAdvisories(services: Pick<Services, 'db' | 'enqueue'>, location: string, onProgress: (records: number) => void, fetched: Fetched | null = null): Promise<ImportReport> {
  return inTransaction(services.db, async (tx) => {
    const report = emptyReport();
    await beginImport(tx);
    const { exploited, predictions, sources } = await stageSource(tx, location, report, onProgress, fetched);
    const describes = exploited !== null || predictions !== null || report.changed > 0;
    if (describes) await lockMatching(tx, 'exclusive');
    if (exploited !== null) await replaceExploited(tx, exploited);
    if (predictions !== null) await replacePredictions(tx, predictions);
    if (report.changed > 0) await apply(tx, report); // last: from here on projects are locked
    if (describes) {
      await refreshDescribed(tx);
      await services.enqueue(tx, 'evaluate-gates', {});
    }
    for (const source of sources) await recordSource(tx, source);
    return report;
  });
}

/** Staged advisories -> vulnerabilities -> matches -> findings. The caller holds the matching lock exclusively. */
export async function apply(tx: Tx, report: ImportReport): Promise<void> {
  const { related, groups } = await regroup(tx);
  await applyAdvisories(tx, new Map(groups.flatMap(({ group, id }) => group.advisoryIds.map((advisoryId): [string, number] => [advisoryId, id]))));
  await describeGroups(tx, groups);
  const versions = await touchedPackageVersions(tx);
  if (versions.length > 0) await rematchPackageVersions(tx, versions);
  await moveFindings(tx, successions(related, groups));
  if (versions.length > 0) {
    const { opened, resolved } = await refreshFindings(tx, { packageVersionIds: versions });
    report.findingsOpened = opened;
    report.findingsResolved = resolved;
  }
  report.vulnerabilities = groups.length;
  report.rematched = versions.length;
}

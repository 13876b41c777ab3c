/** Vulnerabilities that Dependency-Track reports and no OSV record names: they become records of their own, which join the others by their names as OSV's do. */
import { beginImport, stageAdvisories, type HashedAdvisory } from '../../db/advisories.ts';
import { lockMatching } from '../../db/matches.ts';
import { refreshDescribed } from '../../db/refresh.ts';
import { wantedReports } from '../../db/second-opinions.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';
import { apply } from './import.ts';
import { emptyReport } from './report.ts';

/** Makes sure that the portal knows each of them by its id. In most scans nothing is new, and nothing is locked. */
export async function importReported(services: Pick<Services, 'db' | 'enqueue'>, reports: readonly HashedAdvisory[]): Promise<void> {
  if ((await wantedReports(services.db, reports)).length === 0) return;
  await inTransaction(services.db, async (tx) => {
    await beginImport(tx);
    const staged = await stageAdvisories(tx, await wantedReports(tx, reports), 'dependency_track');
    if (staged === 0) return;
    await lockMatching(tx, 'exclusive');
    await apply(tx, emptyReport());
    await refreshDescribed(tx);
    await services.enqueue(tx, 'evaluate-gates', {});
  });
}

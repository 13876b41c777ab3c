/**
 * What an older release of the portal stored, brought to what this one makes of it: keys of advisories' ranges and of package versions, then their identities, then matches and
 * findings. In batches, each a transaction of its own, so that a process that is killed loses one of them, and scans and imports wait for one only.
 */
import { lockImports } from '../../db/advisories.ts';
import type { Tx } from '../../db/connect.ts';
import { lockMatching, rematchPackageVersions } from '../../db/matches.ts';
import { hasStaleRanges, rekeyRanges } from '../../db/rekey-ranges.ts';
import { hasStaleVersions, rekeyVersions } from '../../db/rekey.ts';
import { refreshFindings } from '../../db/refresh.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';

interface Step {
  isDue: (tx: Tx) => Promise<boolean>;
  /** Looks at the next rows; the package versions that must be matched again. */
  run: (tx: Tx) => Promise<{ seen: number; changed: readonly number[] }>;
}
const STEPS: readonly Step[] = [{ isDue: hasStaleRanges, run: rekeyRanges }, { isDue: hasStaleVersions, run: rekeyVersions }];

/** @returns how many ranges and package versions were looked at */
export async function rekey(services: Services, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (const step of STEPS) if (await inTransaction(services.db, step.isDue)) total += await runStep(services, step, signal);
  if (total > 0) services.log.info({ rows: total }, 'keys of an older release were made anew');
  return total;
}

async function runStep(services: Services, { run }: Step, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (let seen = 1; seen > 0 && !signal.aborted; total += seen) {
    seen = await inTransaction(services.db, async (tx) => {
      await lockImports(tx);
      await lockMatching(tx, 'exclusive');
      const batch = await run(tx);
      if (batch.changed.length > 0) {
        await rematchPackageVersions(tx, batch.changed);
        await refreshFindings(tx, { packageVersionIds: batch.changed });
        await services.enqueue(tx, 'evaluate-gates', {});
      }
      return batch.seen;
    });
  }
  return total;
}

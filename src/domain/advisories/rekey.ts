/**
 * Package versions that an older release of the portal stored, brought to what this one makes of them: identities and sortable keys, then matches, then findings. In batches, each
 * a transaction of its own, so that a process that is killed loses one of them, and scans wait for one only.
 */
import { lockMatching, rematchPackageVersions } from '../../db/matches.ts';
import { hasStaleVersions, rekeyVersions } from '../../db/rekey.ts';
import { refreshFindings } from '../../db/refresh.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { Services } from '../context.ts';

/** @returns how many package versions were looked at */
export async function rekey(services: Services, signal: AbortSignal): Promise<number> {
  if (!(await inTransaction(services.db, hasStaleVersions))) return 0;
  let total = 0;
  for (let seen = 1; seen > 0 && !signal.aborted; total += seen) {
    seen = await inTransaction(services.db, async (tx) => {
      await lockMatching(tx, 'exclusive');
      const batch = await rekeyVersions(tx);
      if (batch.changed.length > 0) {
        await rematchPackageVersions(tx, batch.changed);
        await refreshFindings(tx, { packageVersionIds: batch.changed });
      }
      return batch.seen;
    });
  }
  services.log.info({ versions: total }, 'package versions of an older release were keyed anew');
  return total;
}

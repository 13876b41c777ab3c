/** What else begins when a scan is queued or has ended. In the transaction of that. */
import { isReported } from '../../db/code-hosts.ts';
import type { Tx } from '../../db/connect.ts';
import { hasWaitingDeliveries } from '../../db/webhooks.ts';
import type { Services } from '../context.ts';

export async function scanQueued(tx: Tx, { enqueue }: Pick<Services, 'enqueue'>, scanId: string): Promise<void> {
  if (await isReported(tx, scanId)) await enqueue(tx, 'report-scan', { scan_id: scanId, moment: 'start' }, { group: scanId });
}

export async function scanEnded(tx: Tx, { enqueue }: Pick<Services, 'enqueue'>, scanId: string): Promise<void> {
  if (await isReported(tx, scanId)) await enqueue(tx, 'report-scan', { scan_id: scanId, moment: 'end' }, { group: scanId });
  if (await hasWaitingDeliveries(tx, scanId)) await enqueue(tx, 'take-up-pushes', {});
}

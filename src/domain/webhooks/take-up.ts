/** Deliveries for which there was no room are made up for: the newest of each ref, as soon as there is. */
import { inTransaction } from '../../db/transaction.ts';
import { dropOvertakenDeliveries, lockWaitingDelivery, settleDelivery, waitingDeliveries, type WaitingDelivery } from '../../db/webhooks.ts';
import { ofJob, type Context, type Services } from '../context.ts';
import { outcomeOf, planDelivery, startScan } from './start.ts';

const AT_ONCE = 200;

export async function takeUpPushes(services: Services, signal: AbortSignal): Promise<void> {
  await inTransaction(services.db, dropOvertakenDeliveries);
  const context = ofJob(services, 'take-up-pushes');
  for (const delivery of await waitingDeliveries(services.db, AT_ONCE)) {
    if (signal.aborted) return;
    await takeUp(context, delivery);
  }
}

/** One that finds no room again goes on waiting. */
async function takeUp(context: Context, delivery: WaitingDelivery): Promise<void> {
  const plan = await planDelivery(context, delivery, delivery.wish);
  await inTransaction(context.db, async (tx) => {
    if (await lockWaitingDelivery(tx, delivery.id)) await settleDelivery(tx, delivery.id, outcomeOf(await startScan(tx, context, plan)));
  });
}

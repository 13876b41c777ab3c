/** Sending what channels are told. No connection to the database is held while a receiver takes its time, and one that hangs holds up few. */
import { baseUrl } from '../../config.ts';
import { claimDueDeliveries, disableFailingChannel, dueDelivery, endAttempt, findDelivery, insertTestDelivery, type AttemptOutcome, type DeliveryLogRow, type DueDelivery } from '../../db/channel-deliveries.ts';
import type { ChannelRow } from '../../db/notification-channels.ts';
import { pause } from '../../core/values.ts';
import { inTransaction } from '../../db/transaction.ts';
import { createAddressGuard } from '../../integrations/addresses.ts';
import { sendToChannel } from '../../integrations/channel-message.ts';
import type { Services } from '../context.ts';

/** Over about a day. */
const MAX_TRIES = 12;
const AT_ONCE = 24;
const PER_CHANNEL = 4;
const FAILING_DAYS = 5;
/** Longer than a try can take. */
const TEST_SECONDS = 60;
const LOOK_AGAIN_MS = 250;

type Sender = Pick<Services, 'db' | 'vault' | 'config' | 'now' | 'log'>;

/** Sends what is due until there is no more, or the worker stops. What fails is due again later. */
export async function sendDueMessages(services: Sender, signal: AbortSignal): Promise<void> {
  const running = new Map<Promise<void>, string>();
  for (let more = true; more && !signal.aborted; ) {
    const inFlight = [...Map.groupBy(running.values(), (channelId) => channelId)];
    const due = await inTransaction(services.db, (tx) => claimDueDeliveries(tx, { limit: AT_ONCE - running.size, perChannel: PER_CHANNEL, except: inFlight.filter(([, all]) => all.length >= PER_CHANNEL).map(([channelId]) => channelId) }));
    for (const delivery of due) {
      if (delivery.is_dropped) {
        services.log.info({ channel_id: delivery.channel_id, delivery_id: delivery.id }, 'a message was not sent: the user of the channel may not be told it any longer');
        continue;
      }
      const work = attempt(services, delivery).then((outcome) => settle(services, delivery, outcome)).finally(() => running.delete(work));
      running.set(work, delivery.channel_id);
    }
    more = due.length > 0 || running.size > 0;
    if (running.size > 0 && (due.length === 0 || running.size >= AT_ONCE)) await Promise.race([...running.keys(), pause(LOOK_AGAIN_MS)]); // another process may have held the rows, and all of ours may hang
  }
  await Promise.all(running.keys());
}

async function attempt({ vault, config, now }: Sender, delivery: DueDelivery): Promise<AttemptOutcome> {
  const { type, url_sealed: url, link, message_id: id, title, body, event } = delivery;
  const secrets = [delivery.secret_sealed, delivery.former_secret_sealed].flatMap((sealed) => (sealed === null ? [] : [vault.open(sealed)]));
  const base = baseUrl(config, config.PORT);
  const start = performance.now();
  const answer = await sendToChannel({ type, url: vault.open(url), secrets }, { id, title, body, event, link: link === null ? base : `${base}${link}` }, createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES), now().getTime());
  return { ...answer, durationMs: Math.round(performance.now() - start) };
}

async function settle({ db, log }: Sender, delivery: DueDelivery, outcome: AttemptOutcome): Promise<void> {
  const isGone = outcome.status === 410;
  await inTransaction(db, async (tx) => {
    await endAttempt(tx, delivery, outcome, { isLast: isGone || delivery.attempts >= MAX_TRIES, counts: true });
    if (outcome.isDelivered) return;
    const reason = isGone ? 'The receiver answered 410: it is gone for good.' : `Nothing has been taken for ${FAILING_DAYS} days. The last fault: ${outcome.error ?? ''}`;
    if (await disableFailingChannel(tx, delivery.channel_id, { reason, failingDays: isGone ? 0 : FAILING_DAYS })) log.warn({ channel_id: delivery.channel_id, reason }, 'a notification channel was switched off');
  });
}

/** One try at once, whatever the channel's state. */
export async function sendTest(services: Sender, channel: ChannelRow): Promise<DeliveryLogRow> {
  const { db, now } = services;
  const words = `A test message of the channel ${channel.name}.`;
  const event = { type: 'channel.test', timestamp: now().toISOString(), data: { message: words } };
  const id = await inTransaction(db, (tx) => insertTestDelivery(tx, channel.id, { title: 'Test', body: words, link: null, event }, TEST_SECONDS));
  const due = await dueDelivery(db, id);
  if (due !== undefined) {
    const outcome = await attempt(services, due);
    await inTransaction(db, (tx) => endAttempt(tx, due, outcome, { isLast: true, counts: false }));
  }
  const delivery = await findDelivery(db, channel.id, id);
  if (delivery === undefined) throw new Error('the test went with its channel');
  return delivery;
}

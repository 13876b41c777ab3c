/** From what has happened to who hears of it: notifications in the portal, then mails. Runs again after a failure; each notice is told once. */
import { baseUrl } from '../../config.ts';
import { insertMessages, wantedNotices } from '../../db/channel-deliveries.ts';
import type { Tx } from '../../db/connect.ts';
import { takeNotices, tellNotices, type NoticeRow, type Told } from '../../db/notices.ts';
import { claimDueMails, endMail, holdMail, retryMail, type DueMail } from '../../db/notifications.ts';
import { inTransaction } from '../../db/transaction.ts';
import { MailRefused, type Mailer } from '../../integrations/mail.ts';
import type { Services } from '../context.ts';
import { eventsOf } from './events.ts';
import { wordsOf } from './words.ts';

const NOTICES = 200;
const MAILS = 50;
/** Over about five hours. */
const MAX_TRIES = 12;

/** Notices to notifications; how many were made. */
export async function deliverNotices(services: Pick<Services, 'db' | 'mailer' | 'enqueue'>): Promise<number> {
  const { db, mailer } = services;
  let total = 0;
  for (let taken = NOTICES; taken === NOTICES; ) {
    taken = await inTransaction(db, async (tx) => {
      const notices = await takeNotices(tx, NOTICES);
      if (notices.length === 0) return 0;
      const told = notices.map(wordsOf);
      await tellChannels(tx, services, notices, told);
      total += await tellNotices(tx, told, mailer !== null);
      return notices.length;
    });
  }
  return total;
}

/** Puts messages into the outbox of the channels that want them. */
async function tellChannels(tx: Tx, { enqueue }: Pick<Services, 'enqueue'>, notices: readonly NoticeRow[], told: readonly Told[]): Promise<void> {
  const wanted = await wantedNotices(tx, notices.map(({ id }) => id));
  if (wanted.length === 0) return;
  const ids = new Set(wanted.map(({ notice_id: id }) => id));
  const events = await eventsOf(tx, notices.filter(({ id }) => ids.has(id)));
  const messages = notices.flatMap(({ id, kind }, index) => {
    const [event, words] = [events.get(id), told[index]];
    return event === undefined || words === undefined ? [] : [{ notice_id: id, kind, title: words.title, body: words.body, link: words.link, event }];
  });
  await insertMessages(tx, messages, wanted);
  if (messages.length > 0) await enqueue(tx, 'send-messages', {});
}

/** Sends what is due by mail until there is no more, or the worker stops. A mail that cannot be sent is due again later, at most a dozen times. */
export async function mailNotifications(services: Services, signal: AbortSignal): Promise<void> {
  const { db, mailer } = services;
  if (mailer === null) return;
  for (let claimed = MAILS; claimed === MAILS && !signal.aborted; ) {
    const due = await inTransaction(db, (tx) => claimDueMails(tx, MAILS, MAX_TRIES));
    claimed = due.length;
    for (const mail of due) await send(services, mailer, mail);
  }
}

/** A worker that dies before it has noted that a mail was sent leaves it to be sent again, under the same Message-ID, by which mail programs know it. */
async function send({ db, config, log }: Services, mailer: Mailer, mail: DueMail): Promise<void> {
  const { id, email, title, body, link, tries } = mail;
  const hold = await holdMail(db, mail);
  if (hold === 'dropped') log.info({ notification_id: id, tries }, 'a notification is not mailed: its receiver is not active any longer or may not see what it is about');
  if (hold !== 'held') return;
  const base = baseUrl(config, config.PORT);
  try {
    await mailer.send({ to: email, subject: title, text: `${title}\n\n${body}\n\n${link === null ? base : `${base}${link}`}\n\nWhat you hear of by mail: PUT ${base}/v1/users/me/notification-prefs\n`, id });
    await endMail(db, id);
  } catch (error) {
    if (error instanceof MailRefused) await endMail(db, id);
    else await retryMail(db, mail);
    log.warn({ err: error, notification_id: id, tries, given_up: tries >= MAX_TRIES || error instanceof MailRefused }, 'a notification could not be mailed');
  }
}

/** From what has happened to who hears of it: notifications in the portal, then mails. Runs again after a failure; each notice is told once. */
import { baseUrl } from '../../config.ts';
import { takeNotices, tellNotices } from '../../db/notices.ts';
import { claimDueMails, endMail, type DueMail } from '../../db/notifications.ts';
import { inTransaction } from '../../db/transaction.ts';
import { MailRefused, type Mailer } from '../../integrations/mail.ts';
import type { Services } from '../context.ts';
import { wordsOf } from './words.ts';

const NOTICES = 200;
const MAILS = 50;
/** Over about five hours. */
const MAX_TRIES = 12;

/** Notices to notifications; how many were made. */
export async function deliverNotices({ db, mailer }: Pick<Services, 'db' | 'mailer'>): Promise<number> {
  let total = 0;
  for (let taken = NOTICES; taken === NOTICES; ) {
    taken = await inTransaction(db, async (tx) => {
      const notices = await takeNotices(tx, NOTICES);
      if (notices.length > 0) total += await tellNotices(tx, notices.map(wordsOf), mailer !== null);
      return notices.length;
    });
  }
  return total;
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

async function send({ db, config, log }: Services, mailer: Mailer, { id, email, title, body, link, tries }: DueMail): Promise<void> {
  const base = baseUrl(config, config.PORT);
  try {
    await mailer.send({ to: email, subject: title, text: `${title}\n\n${body}\n\n${link === null ? base : `${base}${link}`}\n\nWhat you hear of by mail: PUT ${base}/v1/users/me/notification-prefs\n` });
    await endMail(db, id);
  } catch (error) {
    if (error instanceof MailRefused) await endMail(db, id);
    log.warn({ err: error, notification_id: id, tries, given_up: tries >= MAX_TRIES || error instanceof MailRefused }, 'a notification could not be mailed');
  }
}

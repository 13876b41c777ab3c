/**
 * Carries out an order for a mail. Runs again after a failure: each try makes its own token, so that none is kept but in the mail itself; a
 * registration has the newest only, resets that were mailed before stay good for their hour.
 */
import { baseUrl } from '../../config.ts';
import { deleteTokenlessRegistration, findRegistration, insertResetToken, setRegistrationToken } from '../../db/accounts.ts';
import { insertAudit } from '../../db/audit.ts';
import { inTransaction } from '../../db/transaction.ts';
import { findUserByEmail, userWithMemberships } from '../../db/users.ts';
import { MailRefused, type Mail } from '../../integrations/mail.ts';
import type { MailOrder } from '../../jobs/catalogue.ts';
import { digest, newToken } from '../auth/one-time-token.ts';
import type { Services } from '../context.ts';
import { alreadyRegisteredMail, confirmRegistrationMail, passwordChangedMail, RESET_MS, resetPasswordMail } from './mails.ts';

/** Throws what another try may mend. */
export async function sendMail(services: Services, order: MailOrder): Promise<void> {
  const { log, mailer } = services;
  if (mailer === null) return log.warn({ kind: order.kind }, 'a mail is dropped: SMTP_URL is not set in this process');
  const mail = await write(services, order);
  if (mail === null) return;
  try {
    await mailer.send(mail);
    log.info({ kind: order.kind }, 'mail sent');
  } catch (error) {
    if (!(error instanceof MailRefused)) throw error;
    log.warn({ kind: order.kind, reason: error.message }, 'a mail was refused for good');
  }
  if (order.kind === 'registration') await deleteTokenlessRegistration(services.db, order.registration_id);
}

/** The mail of an order; null where there is nobody to tell by now. */
function write(services: Services, order: MailOrder): Promise<Mail | null> {
  switch (order.kind) {
    case 'registration':
      return registrationMail(services, order.registration_id);
    case 'password-reset':
      return resetMail(services, order.email);
    case 'password-changed':
      return changedMail(services, order.user_id);
  }
}

async function registrationMail({ db, now, config }: Services, id: string): Promise<Mail | null> {
  const registration = await findRegistration(db, id, now());
  if (registration === undefined) return null;
  const { email, taken } = registration;
  const base = baseUrl(config, config.PORT);
  if (taken) return alreadyRegisteredMail(email, base);
  const token = newToken();
  await setRegistrationToken(db, id, digest(token));
  return confirmRegistrationMail(email, base, token);
}

async function resetMail({ db, now, config }: Services, email: string): Promise<Mail | null> {
  const user = await findUserByEmail(db, email);
  if (user === undefined || !user.is_active) return null;
  const token = newToken();
  const expiresAt = new Date(now().getTime() + RESET_MS);
  await inTransaction(db, async (tx) => {
    await insertResetToken(tx, { hash: digest(token), userId: user.id, expiresAt });
    await insertAudit(tx, {
      actorKind: 'system', actorUserId: null, actorEmail: null, teamId: null, operation: 'send-mail', action: 'create', targetTable: 'password_reset_tokens', targetId: user.id,
      requestId: 'send-mail', ip: null, userAgent: null, diff: { email: user.email, expires_at: expiresAt.toISOString() },
    });
  });
  return resetPasswordMail(user.email, baseUrl(config, config.PORT), token);
}

async function changedMail({ db, config }: Services, userId: string): Promise<Mail | null> {
  const found = await userWithMemberships(db, userId);
  return found === undefined ? null : passwordChangedMail(found.user.email, baseUrl(config, config.PORT));
}

/** Forgotten passwords: a mailed one-time token sets a new one and ends every session. */
import { DomainError } from '../../core/errors.ts';
import { normaliseEmail } from '../../core/email.ts';
import { deleteResetTokens, spendResetToken, userOfResetToken } from '../../db/accounts.ts';
import { countHit } from '../../db/rate-limits.ts';
import { endSessionsOf } from '../../db/sessions.ts';
import { inTransaction } from '../../db/transaction.ts';
import { markEmailVerified, setPassword } from '../../db/users.ts';
import { audit } from '../audit.ts';
import { addressKey } from '../auth/address-key.ts';
import { digest } from '../auth/one-time-token.ts';
import { requireGoodPassword } from '../auth/password-policy.ts';
import { hashPassword } from '../auth/passwords.ts';
import type { Context } from '../context.ts';

export const invalidToken = (): DomainError => new DomainError('invalid-token', 'The token is unknown, used or expired, or the password is not the one it was asked for with. Ask for a new mail.');

/** Contexts live for a request; what was said once is said of the process. */
const warned = new WeakSet<object>();

/**
 * Orders a mail unless the address asked a short while ago; returns the seconds until it may ask again. Known and unknown addresses take
 * the same steps: the job looks the account up.
 */
export async function forgotPassword(context: Context, text: string): Promise<number> {
  const { config, log, now, mailer } = context;
  const email = normaliseEmail(text) ?? text.toLowerCase(); // no account has an address that is none; the answer is the same
  if (mailer === null && !warned.has(config)) {
    warned.add(config);
    log.warn('somebody asks for a password reset, but SMTP_URL is not set: no mail is sent');
  }
  return inTransaction(context.db, async (tx) => {
    const { hits, resetSeconds } = await countHit(tx, `password-reset-mail:${addressKey(email)}`, config.PASSWORD_RESET_COOLDOWN_SECONDS, now());
    if (hits > 1 || mailer === null) return resetSeconds;
    await audit(tx, context, { action: 'create', table: 'password_reset_tokens', id: null, diff: { email } });
    await context.enqueue(tx, 'send-mail', { kind: 'password-reset', email });
    return resetSeconds;
  });
}

/** Throws invalid-token, weak-password (which leaves the token). Of two at once with one token one wins. */
export async function resetPassword(context: Context, { token, newPassword }: { token: string; newPassword: string }): Promise<void> {
  const user = await userOfResetToken(context.db, digest(token), context.now());
  if (user === undefined) throw invalidToken();
  requireGoodPassword(newPassword, user.email, '/new_password');
  const passwordHash = await hashPassword(newPassword);
  await inTransaction(context.db, async (tx) => {
    if (!(await spendResetToken(tx, digest(token))) || !(await setPassword(tx, user.id, passwordHash))) throw invalidToken();
    await markEmailVerified(tx, user.id);
    await deleteResetTokens(tx, user.id);
    const ended = await endSessionsOf(tx, user.id, null, 'password');
    await audit(tx, context, { action: 'update', table: 'users', id: user.id, diff: { password_hash: 'changed', sessions_ended: ended } });
    if (context.mailer !== null) await context.enqueue(tx, 'send-mail', { kind: 'password-changed', user_id: user.id });
  });
}

/** A password reset that a super admin orders for somebody. */
import { DomainError, notFound } from '../../core/errors.ts';
import { deleteResetTokens, insertResetToken } from '../../db/accounts.ts';
import { lockUser } from '../../db/admin-users.ts';
import { inTransaction } from '../../db/transaction.ts';
import { RESET_MS, resetLink } from '../accounts/mails.ts';
import { audit } from '../audit.ts';
import { digest, newToken } from '../auth/one-time-token.ts';
import type { Context } from '../context.ts';

/**
 * Null where the link is mailed, else the link itself. That is a way into the account, so only a person gets it, not a key (a leaked key must not become a
 * session), and not for the own account (whose password takes the present one to change). Throws not-found, conflict.
 */
export function orderPasswordReset(context: Context, id: string): Promise<{ reset_url: string; expires_at: string } | null> {
  const { actor, mailer, now } = context;
  return inTransaction(context.db, async (tx) => {
    const user = await lockUser(tx, id);
    if (user === undefined) throw notFound('The user');
    if (!user.is_active) throw new DomainError('conflict', 'The account is deactivated. Activate it first.');
    if (mailer === null && (actor.kind !== 'user' || actor.userId === user.id)) {
      throw new DomainError('conflict', 'The portal sends no mail (SMTP_URL), and the link is shown to a signed-in super admin alone, never for their own account. Set SMTP_URL, or let another super admin do it.');
    }
    await deleteResetTokens(tx, user.id);
    await audit(tx, context, { action: 'create', table: 'password_reset_tokens', id: user.id, diff: { email: user.email, link: mailer === null ? 'shown' : 'mailed' } });
    if (mailer !== null) {
      await context.enqueue(tx, 'send-mail', { kind: 'password-reset', email: user.email });
      return null;
    }
    const token = newToken();
    const expiresAt = new Date(now().getTime() + RESET_MS);
    await insertResetToken(tx, { hash: digest(token), userId: user.id, expiresAt });
    return { reset_url: resetLink(context.publicUrl(), token), expires_at: expiresAt.toISOString() };
  });
}

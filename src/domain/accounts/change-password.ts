/** The signed-in user's own password. */
import type { UserActor } from '../../core/actor.ts';
import { DomainError } from '../../core/errors.ts';
import { deleteResetTokens } from '../../db/accounts.ts';
import { endSessionsOf } from '../../db/sessions.ts';
import { inTransaction } from '../../db/transaction.ts';
import { findUserByEmail, setPassword } from '../../db/users.ts';
import { audit } from '../audit.ts';
import { requireGoodPassword } from '../auth/password-policy.ts';
import { checkPassword, hashPassword } from '../auth/passwords.ts';
import type { Context } from '../context.ts';

/** Throws conflict (no password yet), validation-failed (wrong current one), weak-password. Of two at once one wins. */
export async function changePassword(context: Context, actor: UserActor, { current, next }: { current: string; next: string }): Promise<void> {
  const user = await findUserByEmail(context.db, actor.email);
  if (user?.id !== actor.userId) throw new DomainError('unauthorized', 'The account is gone. Log in with another one.');
  const oldHash = user.password_hash;
  if (oldHash === null) throw new DomainError('conflict', 'The account has no password, it signs in through an identity provider. Set a first one with POST /auth/forgot-password.');
  if (!(await checkPassword(current, oldHash))) throw fault('/current_password', 'is not the present password');
  if (next.normalize('NFKC') === current.normalize('NFKC')) throw fault('/new_password', 'is the present password');
  requireGoodPassword(next, user.email, '/new_password');
  const passwordHash = await hashPassword(next);
  await inTransaction(context.db, async (tx) => {
    if (!(await setPassword(tx, user.id, passwordHash, oldHash))) throw fault('/current_password', 'is not the present password');
    await deleteResetTokens(tx, user.id);
    const ended = await endSessionsOf(tx, user.id, actor.sessionId, 'password');
    await audit(tx, context, { action: 'update', table: 'users', id: user.id, diff: { password_hash: 'changed', sessions_ended: ended } });
    if (context.mailer !== null) await context.enqueue(tx, 'send-mail', { kind: 'password-changed', user_id: user.id });
  });
}

const fault = (pointer: string, message: string): DomainError => new DomainError('validation-failed', `${pointer} ${message}.`, { errors: [{ pointer, message }] });

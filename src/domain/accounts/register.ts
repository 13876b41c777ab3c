/** Registration: at once where no mail is sent, else confirmed by its mail, so that the answer tells nothing of the address. */
import { DomainError } from '../../core/errors.ts';
import { normaliseEmail } from '../../core/email.ts';
import { insertRegistration, registrationOfToken, spendRegistrationToken, type NewRegistration } from '../../db/accounts.ts';
import { countHit } from '../../db/rate-limits.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { addressKey } from '../auth/address-key.ts';
import { getAccount, type Account } from '../auth/me.ts';
import { digest } from '../auth/one-time-token.ts';
import { requireGoodPassword } from '../auth/password-policy.ts';
import { checkPassword, hashPassword } from '../auth/passwords.ts';
import { alreadyRegistered, insertAccount } from './create.ts';
import { invalidToken } from './reset-password.ts';

export interface Registration {
  email: string;
  password: string;
  full_name?: string | null | undefined;
}

const CONFIRM_MS = 24 * 3_600_000;
/** Mails to one address that anybody may cause. */
const MAILS_PER_HOUR = 5;

/**
 * The account, or null where a mail goes out first: then a free and a taken address take the same steps here, and the job finds out which it is.
 * Throws not-found (switched off), validation-failed, weak-password, and without mail email-already-registered.
 */
export async function register(context: Context, registration: Registration): Promise<Account | null> {
  requireOpen(context);
  const email = requireEmail(registration.email);
  requireGoodPassword(registration.password, email, '/password');
  const account = { email, fullName: registration.full_name?.trim() || null, passwordHash: await hashPassword(registration.password) };
  if (context.mailer !== null) {
    await askByMail(context, account);
    return null;
  }
  return getAccount(context, await addAccount(context, (tx) => insertAccount(tx, context, account), '/email'));
}

/** Throws not-found (switched off), invalid-token, email-already-registered (meanwhile). Of two at once with one token one wins. */
export async function verifyEmail(context: Context, { token, password }: { token: string; password: string }): Promise<Account> {
  requireOpen(context);
  const pending = await registrationOfToken(context.db, digest(token), context.now());
  const known = await checkPassword(password, pending?.password_hash ?? null);
  if (pending === undefined || !known) throw invalidToken();
  const id = await addAccount(context, async (tx) => {
    if (!(await spendRegistrationToken(tx, pending, digest(token)))) throw invalidToken();
    return insertAccount(tx, context, { email: pending.email, fullName: pending.full_name, passwordHash: pending.password_hash, isProven: true });
  });
  return getAccount(context, id);
}

/** The normalised address. Throws validation-failed. */
function requireEmail(text: string): string {
  const email = normaliseEmail(text);
  if (email === null) {
    const message = 'must be an ASCII address: at most 64 characters before the @, 254 in all, an internationalised domain in its xn-- form';
    throw new DomainError('validation-failed', `/email ${message}.`, { errors: [{ pointer: '/email', message }] });
  }
  return email;
}

function requireOpen({ config }: Context): void {
  if (config.SELF_REGISTRATION === 'off') throw new DomainError('not-found', 'Self-registration is switched off here. Ask an admin for an account.');
}

async function addAccount(context: Context, insert: Parameters<typeof inTransaction<string>>[1], pointer?: '/email'): Promise<string> {
  try {
    return await inTransaction(context.db, insert);
  } catch (error) {
    throw violates(error, 'users_email_key') ? alreadyRegistered(pointer) : error;
  }
}

async function askByMail(context: Context, account: Omit<NewRegistration, 'expiresAt'>): Promise<void> {
  const expiresAt = new Date(context.now().getTime() + CONFIRM_MS);
  await inTransaction(context.db, async (tx) => {
    const { hits } = await countHit(tx, `registration-mail:${addressKey(account.email)}`, 3600, context.now());
    if (hits > MAILS_PER_HOUR) return;
    const id = await insertRegistration(tx, { ...account, expiresAt });
    await audit(tx, context, { action: 'create', table: 'pending_registrations', id, diff: { email: account.email, full_name: account.fullName } });
    await context.enqueue(tx, 'send-mail', { kind: 'registration', registration_id: id });
  });
}

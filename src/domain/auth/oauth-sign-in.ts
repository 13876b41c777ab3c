/** From an identity at a provider to a session: whose it is, whose it becomes, or a new account. */
import { normaliseEmail } from '../../core/email.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import type { Tx } from '../../db/connect.ts';
import { insertIdentity, lockIdentityOwner, lockUserByEmail, noteIdentityEmail, type IdentityKey } from '../../db/identities.ts';
import type { ExternalIdentity } from '../../integrations/identity/sign-in.ts';
import { insertAccount } from '../accounts/create.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { startSession } from './sessions.ts';

type Refusal = { refused: 'oauth_email_unverified' | 'oauth_user_inactive' | 'oauth_account_unverified' | 'oauth_no_account' };

/** Of two that make the same account or link at once, one breaks on these and finds on its next try what the other made. */
const RACES = ['users_email_key', 'oauth_identities_subject_key'];
const MAX_TRIES = 3;
const MAX_NAME = 200;

/** One transaction for all of it: the account, the link, the session and their audit rows, or nothing. */
export async function signInWithIdentity(context: Context, provider: string, identity: ExternalIdentity): Promise<{ refreshToken: string } | Refusal> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(context.db, async (tx) => {
        const account = await accountOf(tx, context, { provider, issuer: identity.issuer, subject: identity.subject }, identity);
        if ('refused' in account) return account;
        const { refreshToken } = await startSession(tx, context, account.userId, { provider, provider_user_id: identity.subject });
        return { refreshToken };
      });
    } catch (error) {
      if (attempt >= MAX_TRIES || !RACES.some((constraint) => violates(error, constraint))) throw error;
    }
  }
}

/**
 * Known identity; else the account with the same address, verified at the provider and here: whoever registered an address that is not
 * theirs must not get its owner's log-in; else a new one.
 */
async function accountOf(tx: Tx, context: Context, key: IdentityKey, identity: ExternalIdentity): Promise<{ userId: string } | Refusal> {
  const email = identity.email === null ? null : normaliseEmail(identity.email);
  const owner = await lockIdentityOwner(tx, key);
  if (owner !== undefined && !owner.is_active) return { refused: 'oauth_user_inactive' };
  if (owner !== undefined && (await noteIdentityEmail(tx, owner.identity_id, email))) return { userId: owner.user_id };
  if (!identity.emailVerified || email === null) return { refused: 'oauth_email_unverified' };
  const user = await lockUserByEmail(tx, email);
  if (user !== undefined && !user.is_active) return { refused: 'oauth_user_inactive' };
  if (user !== undefined && !user.is_proven) return { refused: 'oauth_account_unverified' };
  if (user === undefined && context.config.OAUTH_NEW_ACCOUNTS === 'off') return { refused: 'oauth_no_account' };
  const userId = user?.id ?? (await createAccount(tx, context, key.provider, email, identity.fullName));
  const id = await insertIdentity(tx, userId, key, email);
  await audit(tx, context, { action: 'create', table: 'oauth_identities', id, diff: { user_id: userId, provider: key.provider, provider_user_id: key.subject, provider_email: email } });
  return { userId };
}

/** The name that the provider gives is text of anybody's. */
function createAccount(tx: Tx, context: Context, provider: string, email: string, name: string | null): Promise<string> {
  const fullName = name?.replaceAll(/\p{C}/gu, '').trim().slice(0, MAX_NAME) ?? '';
  return insertAccount(tx, context, { email, fullName: fullName === '' ? null : fullName, passwordHash: null, isProven: true, provider });
}

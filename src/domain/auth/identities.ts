/** The identities with which the signed-in user can log in. */
import { DomainError, notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { deleteIdentity, identitiesOf, listIdentities, lockPasswordState, type IdentityRow } from '../../db/identities.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export async function listOwnIdentities(context: Context, userId: string, page: PageRequest): Promise<Page<IdentityRow>> {
  return { ...(await listIdentities(context.db, userId, page)), limit: page.limit, offset: page.offset };
}

/** Throws not-found; last-oauth-link where no other way to log in would be left: a password, or an identity at a provider that is configured. */
export async function deleteOwnIdentity(context: Context, userId: string, identityId: string): Promise<void> {
  await inTransaction(context.db, async (tx) => {
    const account = await lockPasswordState(tx, userId);
    const identities = await identitiesOf(tx, userId);
    const identity = identities.find(({ id }) => id === identityId.toLowerCase());
    if (account === undefined || identity === undefined) throw notFound('The identity');
    const others = identities.filter(({ id, provider }) => id !== identity.id && context.identityProviders.find(provider) !== undefined);
    if (!account.has_password && others.length === 0) {
      throw new DomainError('last-oauth-link', 'The account has no password, and this is the last identity that it can log in with. Set a password first: POST /auth/forgot-password.');
    }
    await deleteIdentity(tx, identity.id);
    await audit(tx, context, { action: 'delete', table: 'oauth_identities', id: identity.id, diff: { provider: identity.provider, provider_user_id: identity.provider_user_id, provider_email: identity.provider_email } });
  });
}

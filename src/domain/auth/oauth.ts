/** Log-in with an identity provider: to it, and back. Whatever goes wrong after the browser left ends on the log-in page with an `error`. */
import { BUILT_IN_PROVIDERS } from '../../config.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { spendState } from '../../db/identities.ts';
import { reasonOf, IdentityProviderError, type ExternalIdentity, type IdentityProvider, type SignIn } from '../../integrations/identity/sign-in.ts';
import type { Context } from '../context.ts';
import { isOwnPath, newTransaction, openTransaction, sameText, sealTransaction, type OauthTransaction } from './oauth-transaction.ts';
import { digest } from './one-time-token.ts';
import { signInWithIdentity } from './oauth-sign-in.ts';
import { noteRefusedLogIn } from './refused.ts';

export type OauthError =
  | 'oauth_denied' | 'oauth_missing_params' | 'oauth_invalid_state' | 'oauth_failed'
  | 'oauth_email_unverified' | 'oauth_user_inactive' | 'oauth_account_unverified' | 'oauth_no_account';

/** Kept a little longer than the cookie lives, since clocks of processes differ. */
const SPENT_KEEP_MS = 60_000;

/** Where the browser goes, and the cookie that binds the log-in to it; null where the provider does not answer. Throws not-found, oauth-provider-disabled, invalid-request. */
export async function startOauth(context: Context, name: string, redirectAfter: string | undefined): Promise<{ location: string; cookie: string | null }> {
  const provider = providerNamed(context, name);
  if (redirectAfter !== undefined && !isOwnPath(redirectAfter)) {
    throw new DomainError('invalid-request', 'redirect_after must be a path of the portal.', { errors: [{ parameter: 'redirect_after', message: 'must be a path of the portal' }] });
  }
  const transaction = newTransaction(name, redirectAfter ?? null, context.now());
  try {
    const location = await inTime(context, provider.authorizationUrl(signInOf(context, transaction)));
    return { location, cookie: sealTransaction(context.vault, transaction) };
  } catch (error) {
    context.log.warn({ provider: name, reason: reasonOf(error), request_id: context.request.id }, 'an identity provider does not answer');
    return { location: failurePage(context, 'oauth_failed'), cookie: null };
  }
}

/** What the browser brought back in its query. */
export interface OauthAnswer {
  code: string | undefined;
  state: string | undefined;
  error: string | undefined;
  iss: string | undefined;
}

export interface OauthOutcome {
  location: string;
  /** null where nobody was logged in. */
  refreshToken: string | null;
  /** The cookie has done its work and can go. */
  spent: boolean;
}

/** Throws not-found, oauth-provider-disabled; everything else is an outcome. */
export async function finishOauth(context: Context, name: string, answer: OauthAnswer, sealed: string | undefined): Promise<OauthOutcome> {
  const provider = providerNamed(context, name);
  const fail = (error: OauthError, spent: boolean): OauthOutcome => ({ location: failurePage(context, error), refreshToken: null, spent });
  const { code, state, error, iss } = answer;
  if (state === undefined || (code === undefined && error === undefined)) return fail('oauth_missing_params', false);
  const transaction = openTransaction(context.vault, sealed);
  if (transaction === null || !fits(transaction, name, state, context.now())) return fail('oauth_invalid_state', false);
  // spent before the code is traded: a second callback, at the same time or later, finds it so
  if (!(await spendState(context.db, digest(state), new Date(transaction.expiresAt + SPENT_KEEP_MS)))) return fail('oauth_invalid_state', true);
  if (code === undefined || error !== undefined) {
    if (error === 'access_denied') return fail('oauth_denied', true);
    context.log.warn({ provider: name, error: error?.slice(0, 100), request_id: context.request.id }, 'an identity provider refused a log-in');
    return fail('oauth_failed', true);
  }
  const identity = await identify(context, provider, signInOf(context, transaction), { code, state, iss });
  const result = identity === null ? { refused: 'oauth_failed' as const } : await signInWithIdentity(context, name, identity);
  if ('refused' in result) {
    await noteRefusedLogIn(context, { reason: result.refused, email: identity?.email, provider: name });
    return fail(result.refused, true);
  }
  return { location: transaction.redirectAfter ?? context.config.OAUTH_LOGIN_REDIRECT_SUCCESS, refreshToken: result.refreshToken, spent: true };
}

async function identify(context: Context, provider: IdentityProvider, signIn: SignIn, answer: { code: string; state: string; iss: string | undefined }): Promise<ExternalIdentity | null> {
  try {
    return await inTime(context, provider.identify(signIn, answer));
  } catch (error) {
    context.log.warn({ provider: provider.name, reason: reasonOf(error), request_id: context.request.id }, 'a log-in with an identity provider failed');
    return null;
  }
}

/** Names that we know without their being configured are "disabled"; any other does not exist. */
function providerNamed(context: Context, name: string): IdentityProvider {
  const provider = context.identityProviders.find(name);
  if (provider !== undefined) return provider;
  if (BUILT_IN_PROVIDERS.includes(name)) throw new DomainError('oauth-provider-disabled', `Log-in with ${name} is not configured on this portal. GET /auth/oauth/providers lists what is.`);
  throw notFound(`The identity provider '${name}'`);
}

const fits = (transaction: OauthTransaction, name: string, state: string, now: Date): boolean =>
  transaction.provider === name && transaction.expiresAt > now.getTime() && sameText(transaction.state, state);

/** As browsers see it: under /api, where a proxy sends the portal its requests. */
const apiUrl = (context: Context): string => `${context.publicUrl().replace(/\/api$/, '')}/api`;
export const authorizeUrl = (context: Context, name: string): string => `${apiUrl(context)}/auth/oauth/${name}/authorize`;

function signInOf(context: Context, { provider, state, nonce, verifier }: OauthTransaction): SignIn {
  return { redirectUri: `${apiUrl(context)}/auth/oauth/${provider}/callback`, state, nonce, verifier };
}

function failurePage({ config }: Context, error: OauthError): string {
  const [page = '', fragment] = config.OAUTH_LOGIN_REDIRECT_FAILURE.split('#', 2);
  return `${page}${page.includes('?') ? '&' : '?'}error=${error}${fragment === undefined ? '' : `#${fragment}`}`;
}

/** Each request to a provider has this limit; together they have it too. */
async function inTime<T>({ config }: Context, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new IdentityProviderError(`no answer within ${config.OAUTH_TIMEOUT_SECONDS} s`)), config.OAUTH_TIMEOUT_SECONDS * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

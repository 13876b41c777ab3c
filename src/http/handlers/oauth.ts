/** Log-in with identity providers, the identities that users have there, and the keys by which others check our tokens. */
import type { Context } from '../../domain/context.ts';
import { deleteOwnIdentity, listOwnIdentities } from '../../domain/auth/identities.ts';
import { TRANSACTION_TTL_SECONDS } from '../../domain/auth/oauth-transaction.ts';
import { authorizeUrl, finishOauth, startOauth } from '../../domain/auth/oauth.ts';
import { signedIn } from '../../domain/signed-in.ts';
import { noContent, ok, ownCookie } from '../reply.ts';
import type { Handlers } from '../types.ts';
import { refreshCookie } from './auth.ts';

const COOKIE = 'oauth_state';
/** Keys are published ten minutes before they sign. */
const JWKS_MAX_AGE_SECONDS = 300;

export const oauth = {
  listOauthProviders: (context) => {
    const items = context.identityProviders.all.map(({ name, kind }) => ({ name, kind, authorize_url: authorizeUrl(context, name) }));
    return Promise.resolve(ok({ items }));
  },
  authorizeOauth: async (context, { path, query }) => {
    const { location, cookie } = await startOauth(context, path.provider, query.redirect_after);
    const headers = { Location: location, ...(cookie === null ? {} : { 'Set-Cookie': stateCookie(context, cookie, TRANSACTION_TTL_SECONDS) }) };
    return { status: 302, body: undefined, headers };
  },
  callbackOauth: async (context, { path, query, cookies }) => {
    const { code, state, error, iss } = query;
    const { location, refreshToken, spent } = await finishOauth(context, path.provider, { code, state, error, iss }, cookies[COOKIE]);
    const set = [
      ...(spent ? [stateCookie(context, '', 0)] : []),
      ...(refreshToken === null ? [] : [refreshCookie(context, refreshToken, context.config.REFRESH_TOKEN_TTL_SECONDS)]),
    ];
    return { status: 302, body: undefined, headers: { Location: location, ...(set.length === 0 ? {} : { 'Set-Cookie': set }) } };
  },
  listOauthIdentities: async (context, { page }) => ok(await listOwnIdentities(context, signedIn(context).userId, page)),
  deleteOauthIdentity: async (context, { path }) => {
    await deleteOwnIdentity(context, signedIn(context).userId, path.identity_id);
    return noContent;
  },
  getJwks: async (context) => ({ ...ok({ keys: await context.tokens.publicKeys() }), headers: { 'Cache-Control': `public, max-age=${JWKS_MAX_AGE_SECONDS}` } }),
} satisfies Partial<Handlers>;

const stateCookie = (context: Context, value: string, maxAge: number): string => ownCookie(context, COOKIE, value, maxAge);

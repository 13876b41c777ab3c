/** /auth: log-in, refresh, log-out, and who am I. */
import type { Context } from '../../domain/context.ts';
import { getMe } from '../../domain/auth/me.ts';
import { logIn, logOut, refresh, type Tokens } from '../../domain/auth/sessions.ts';
import { noContent, ok, ownCookie } from '../reply.ts';
import type { Handlers, Schema } from '../types.ts';

const COOKIE = 'refresh_token';

export const auth = {
  loginUser: async (context, { body }) => withCookie(context, await logIn(context, body)),
  refreshSession: async (context, { cookies }) => withCookie(context, await refresh(context, cookies[COOKIE])),
  logoutUser: async (context, { cookies }) => {
    await logOut(context, cookies[COOKIE]);
    return { ...noContent, headers: { 'Set-Cookie': refreshCookie(context, '', 0) } };
  },
  getMe: async (context) => ok(await getMe(context)),
} satisfies Partial<Handlers>;

function withCookie(context: Context, tokens: Tokens): { status: 200; body: Schema<'TokenResponse'>; headers: { 'Set-Cookie': string } } {
  return {
    status: 200,
    body: { access_token: tokens.accessToken, token_type: 'bearer', expires_in: tokens.expiresIn },
    headers: { 'Set-Cookie': refreshCookie(context, tokens.refreshToken, tokens.refreshExpiresIn) },
  };
}

export const refreshCookie = (context: Context, value: string, maxAge: number): string => ownCookie(context, COOKIE, value, maxAge);

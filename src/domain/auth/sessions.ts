/** Log in, refresh, log out. A refresh token is spent at each use; a spent one that comes again ends its whole session. */
import { DomainError } from '../../core/errors.ts';
import type { Tx } from '../../db/connect.ts';
import { endSession, insertSession, lockRefreshToken, rotateRefreshToken, sessionOfToken } from '../../db/sessions.ts';
import { inTransaction } from '../../db/transaction.ts';
import { findUserByEmail, holdForLogIn, type UserRow } from '../../db/users.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { digest, newToken } from './one-time-token.ts';
import { checkPassword } from './passwords.ts';
import { noteRefusedLogIn } from './refused.ts';

export interface Tokens {
  accessToken: string;
  /** Seconds. */
  expiresIn: number;
  refreshToken: string;
  /** Seconds. */
  refreshExpiresIn: number;
}

/** Throws invalid-credentials: unknown address, wrong password, inactive account and account without a password alike, each after one check of a hash. */
export async function logIn(context: Context, credentials: { email: string; password: string }): Promise<Tokens> {
  const user = await findUserByEmail(context.db, credentials.email);
  const good = await checkPassword(credentials.password, user?.password_hash ?? null);
  if (!good || user === undefined || user.password_hash === null || !user.is_active) {
    await noteRefusedLogIn(context, { reason: refusalOf(user), userId: user?.id, email: user?.email });
    throw invalidCredentials();
  }
  const { password_hash: checkedHash } = user;
  const { sessionId, refreshToken } = await inTransaction(context.db, async (tx) => {
    if (!(await holdForLogIn(tx, user.id, checkedHash))) throw invalidCredentials(); // a reset came in between: its sessions are ended, this one must not begin
    return startSession(tx, context, user.id);
  });
  return issue(context, user.id, sessionId, refreshToken);
}

/** The session of a user who has just proved to be one, by whatever means. @param means goes into the audit row */
export async function startSession(tx: Tx, context: Context, userId: string, means: Record<string, unknown> = {}): Promise<{ sessionId: string; refreshToken: string }> {
  const refreshToken = newToken();
  const sessionId = await insertSession(tx, { userId, tokenHash: digest(refreshToken), expiresAt: refreshExpiry(context), ip: context.request.ip, userAgent: context.request.userAgent });
  await audit(tx, context, { action: 'login', table: 'sessions', id: sessionId, diff: { user_id: userId, ...means } });
  return { sessionId, refreshToken };
}

/** Throws invalid-refresh-token, refresh-token-reused. Of two calls at once with one token the second counts as re-use. */
export async function refresh(context: Context, refreshToken: string | undefined): Promise<Tokens> {
  if (refreshToken === undefined || refreshToken === '') throw invalidRefreshToken();
  const next = newToken();
  const outcome = await inTransaction(context.db, async (tx) => {
    const token = await lockRefreshToken(tx, digest(refreshToken), context.now());
    if (token === undefined || (!token.alive && !token.spent)) return { state: 'invalid' } as const;
    if (token.spent) {
      await endSession(tx, token.session_id, 'reuse');
      await audit(tx, context, { action: 'refuse', table: 'sessions', id: token.session_id, diff: { reason: 'refresh token reused', user_id: token.user_id } });
      return { state: 'reused' } as const;
    }
    await rotateRefreshToken(tx, { spentHash: digest(refreshToken), nextHash: digest(next), sessionId: token.session_id, expiresAt: refreshExpiry(context) });
    await audit(tx, context, { action: 'refresh', table: 'sessions', id: token.session_id, diff: { user_id: token.user_id } });
    return { state: 'rotated', userId: token.user_id, sessionId: token.session_id } as const;
  });
  if (outcome.state === 'invalid') throw invalidRefreshToken();
  if (outcome.state === 'reused') throw new DomainError('refresh-token-reused', 'This refresh token was used before; its session is ended. Log in again.');
  return issue(context, outcome.userId, outcome.sessionId, next);
}

/** Ends the session of the token; an unknown token changes nothing. */
export async function logOut(context: Context, refreshToken: string | undefined): Promise<void> {
  if (refreshToken === undefined || refreshToken === '') return;
  const session = await sessionOfToken(context.db, digest(refreshToken));
  if (session === undefined) return;
  await inTransaction(context.db, async (tx) => {
    await endSession(tx, session.session_id, 'logout');
    await audit(tx, context, { action: 'logout', table: 'sessions', id: session.session_id, diff: { user_id: session.user_id } });
  });
}

function refusalOf(user: UserRow | undefined): string {
  if (user === undefined) return 'unknown address';
  if (!user.is_active) return 'inactive account';
  return user.password_hash === null ? 'account without a password' : 'wrong password';
}

const invalidCredentials = (): DomainError => new DomainError('invalid-credentials', 'The e-mail address and password do not match an active account. A forgotten password is reset by POST /auth/forgot-password.');
const invalidRefreshToken = (): DomainError => new DomainError('invalid-refresh-token', 'The refresh cookie is missing, unknown or expired. Log in again.');
const refreshExpiry = (context: Context): Date => new Date(context.now().getTime() + context.config.REFRESH_TOKEN_TTL_SECONDS * 1000);

async function issue(context: Context, userId: string, sessionId: string, refreshToken: string): Promise<Tokens> {
  const { ACCESS_TOKEN_TTL_SECONDS: expiresIn, REFRESH_TOKEN_TTL_SECONDS: refreshExpiresIn } = context.config;
  return { accessToken: await context.tokens.issueAccess({ userId, sessionId }, expiresIn), expiresIn, refreshToken, refreshExpiresIn };
}

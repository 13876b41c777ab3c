/** From the Authorization header to an actor. Access tokens are checked by signature; who the user is now comes from the database. */
import { ANONYMOUS, type Actor } from '../core/actor.ts';
import type { Caches } from './caches.ts';
import type { TokenService } from '../domain/auth/tokens.ts';

const BEARER = /^Bearer ([\x21-\x7e]{1,4096})$/i;
const API_KEY_PREFIX = 'tos_';

/** The credential, told apart by its prefix; null where the header is missing or not `Bearer`. */
export function readCredential(authorization: string | undefined): { scheme: 'accessToken' | 'apiKey'; token: string } | null {
  const token = BEARER.exec(authorization ?? '')?.[1];
  if (token === undefined) return null;
  return { scheme: token.startsWith(API_KEY_PREFIX) ? 'apiKey' : 'accessToken', token };
}

/** The actor of a good access token; anonymous for any other. */
export async function authenticate(token: string, tokens: TokenService, caches: Caches): Promise<Actor> {
  const claims = await tokens.verifyAccess(token);
  if (claims === null) return ANONYMOUS;
  return (await caches.actor(claims.userId, claims.sessionId)) ?? ANONYMOUS;
}

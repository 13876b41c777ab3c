/**
 * From the Authorization header to an actor. Access tokens are checked by signature, API keys by their keyed hash; who the user is now
 * comes from the database.
 */
import { ANONYMOUS, type Actor } from '../core/actor.ts';
import type { Services } from '../domain/context.ts';
import { noteApiKeyUse } from '../db/api-keys.ts';
import type { Caches } from './caches.ts';

const BEARER = /^Bearer ([\x21-\x7e]{1,4096})$/i;
const API_KEY_PREFIX = 'tos_';
const USE_NOTED_MS = 60_000;

/** The credential, told apart by its prefix; null where the header is missing or not `Bearer`. */
export function readCredential(authorization: string | undefined): { scheme: 'accessToken' | 'apiKey'; token: string } | null {
  const token = BEARER.exec(authorization ?? '')?.[1];
  if (token === undefined) return null;
  return { scheme: token.startsWith(API_KEY_PREFIX) ? 'apiKey' : 'accessToken', token };
}

/** The actor of a good access token; anonymous for any other. */
export async function authenticate(token: string, tokens: Services['tokens'], caches: Caches): Promise<Actor> {
  const claims = await tokens.verifyAccess(token);
  if (claims === null) return ANONYMOUS;
  return (await caches.actor(claims.userId, claims.sessionId)) ?? ANONYMOUS;
}

/** When each key's use was last written by this process, by key id. */
export type NotedUses = Map<string, number>;
const MAX_NOTED = 10_000;

/** The actor of a good API key; anonymous for any other. Notes its use once a minute. */
export async function authenticateKey(token: string, ip: string, services: Pick<Services, 'db' | 'now'>, caches: Caches, noted: NotedUses): Promise<Actor> {
  const found = await caches.apiKey(token);
  const now = services.now();
  if (found === undefined || (found.expiresAt !== null && found.expiresAt <= now.getTime())) return ANONYMOUS;
  const { actor } = found;
  if (now.getTime() - (noted.get(actor.keyId) ?? 0) >= USE_NOTED_MS) {
    if (noted.size >= MAX_NOTED) noted.clear();
    noted.set(actor.keyId, now.getTime());
    await noteApiKeyUse(services.db, actor.keyId, ip, now);
  }
  return actor;
}

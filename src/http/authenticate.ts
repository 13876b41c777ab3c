/**
 * From the Authorization header to an actor. Access tokens are checked by signature, API keys by their keyed hash; who the user is now
 * comes from the database.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Actor } from '../core/actor.ts';
import { DomainError } from '../core/errors.ts';
import type { Services } from '../domain/context.ts';
import { noteApiKeyUse } from '../db/api-keys.ts';
import type { Caches } from './caches.ts';

const BEARER = /^Bearer ([\x21-\x7e]{1,4096})$/i;
const AUTHORIZATION = 'authorization';
const API_KEY_PREFIX = 'tos_';
const USE_NOTED_MS = 60_000;

/** Else it is an access token, or nothing. */
export const isApiKey = (token: string): boolean => token.startsWith(API_KEY_PREFIX);

/** The credential, told apart by its prefix; null where the header is missing, not `Bearer`, or there twice. */
export function readCredential({ headers, rawHeaders }: IncomingMessage): { scheme: 'accessToken' | 'apiKey'; token: string } | null {
  const token = BEARER.exec(headers.authorization ?? '')?.[1];
  if (token === undefined || isRepeated(rawHeaders)) return null;
  return { scheme: isApiKey(token) ? 'apiKey' : 'accessToken', token };
}

/** Is it the token that the settings name? Takes as long whatever it is. Throws not-found where they name none: there are no metrics then. */
export function isMetricsToken(credential: { token: string } | null, expected: string | null): boolean {
  if (expected === null) throw new DomainError('not-found', 'This portal tells no metrics: METRICS_TOKEN is not set. An operator can set it.');
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(credential?.token ?? ''), digest(expected));
}

/** Node keeps the first of two; a proxy in front may have looked at the other. `rawHeaders`: names and values in turn. */
function isRepeated(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) count += 1;
  }
  return count > 1;
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

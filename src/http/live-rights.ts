/** Who may watch a scan over the WebSocket: users by their access tokens, machines by API keys with `scan:read`, within their scope. */
import type { ApiKeyActor, UserActor } from '../core/actor.ts';
import { isUuid } from '../core/ids.ts';
import { allows } from '../core/permissions.ts';
import type { Services } from '../domain/context.ts';
import { authenticateKey, isApiKey, type NotedUses } from './authenticate.ts';
import type { Caches } from './caches.ts';

export interface Right {
  refused: null;
  actor: UserActor | ApiKeyActor;
  /** Milliseconds since the epoch; null: never. */
  expiresAt: number | null;
}

/** The reason that the socket closes with. */
export interface Refusal {
  refused: 'auth_invalid' | 'not_found' | 'forbidden';
}

/** May the bearer of the token watch the scan now? @param ip of the client, noted as the place where a key was used */
export type RightOf = (token: string | null, scanId: string, ip: string) => Promise<Right | Refusal>;

export function createRights(services: Services, caches: Caches): RightOf {
  const noted: NotedUses = new Map();

  const ofUser = async (token: string): Promise<Omit<Right, 'refused'> | null> => {
    const claims = await services.tokens.verifyAccess(token);
    const actor = claims === null ? undefined : await caches.actor(claims.userId, claims.sessionId);
    return claims === null || actor === undefined ? null : { actor, expiresAt: claims.expiresAt };
  };
  const ofKey = async (key: string, ip: string): Promise<Omit<Right, 'refused'> | null> => {
    const actor = await authenticateKey(key, ip, services, caches, noted);
    const known = await caches.apiKey(key);
    return actor.kind !== 'api_key' || known === undefined ? null : { actor, expiresAt: known.expiresAt };
  };

  return async (token, scanId, ip) => {
    const bearer = token === null ? null : await (isApiKey(token) ? ofKey(token, ip) : ofUser(token));
    if (bearer === null) return { refused: 'auth_invalid' };
    const scope = isUuid(scanId) ? await caches.scope('scan', scanId) : undefined;
    if (scope === undefined) return { refused: 'not_found' };
    return allows(bearer.actor, 'scan.read', scope) ? { refused: null, ...bearer } : { refused: 'forbidden' };
  };
}

/** What requests look up before any handler runs: who the actor is, and who owns what the request is about. */
import type { UserActor } from '../core/actor.ts';
import type { Scope } from '../core/permissions.ts';
import { hashApiKey, parseApiKey } from '../domain/api-keys/secret.ts';
import type { Services } from '../domain/context.ts';
import { findScope, type ScopeKind } from '../db/scopes.ts';
import { loadApiKey, type LiveApiKey } from '../db/api-keys.ts';
import { loadActor } from '../db/users.ts';
import { createWatchedCache, type WatchedCache } from './watched-cache.ts';

/** Channels on which the database tells of changes: payloads are a user's and a project's id. */
export const ACTOR_CHANNEL = 'actor_changed';
export const SCOPE_CHANNEL = 'scope_changed';

export interface Caches {
  actor: (userId: string, sessionId: string) => Promise<UserActor | undefined>;
  /** @param text of the whole key */
  apiKey: (text: string) => Promise<LiveApiKey | undefined>;
  scope: (kind: ScopeKind, id: string) => Promise<Scope | undefined>;
  /** A message of one of the channels. */
  changed: (channel: string, payload: string) => void;
  listening: (isListening: boolean) => void;
}

export function createCaches({ db, vault }: Pick<Services, 'db' | 'vault'>): Caches {
  const actors: WatchedCache<UserActor> = createWatchedCache((key) => loadActor(db, ...pair(key)));
  const apiKeys: WatchedCache<LiveApiKey> = createWatchedCache(async (text) => {
    const key = parseApiKey(text);
    return key === null ? undefined : loadApiKey(db, hashApiKey(vault, text), key.prefix);
  });
  const scopes: Record<ScopeKind, WatchedCache<Scope>> = {
    project: createWatchedCache((id) => findScope(db, 'project', id)),
    scan: createWatchedCache((id) => findScope(db, 'scan', id)),
    component: createWatchedCache((id) => findScope(db, 'component', id)),
    finding: createWatchedCache((id) => findScope(db, 'finding', id)),
    license_finding: createWatchedCache((id) => findScope(db, 'license_finding', id)),
    license_policy: createWatchedCache((id) => findScope(db, 'license_policy', id)),
    approval: createWatchedCache((id) => findScope(db, 'approval', id)),
    team: createWatchedCache((id) => findScope(db, 'team', id)),
    api_key: createWatchedCache((id) => findScope(db, 'api_key', id)),
  };
  return {
    actor: (userId, sessionId) => actors.get(`${userId} ${sessionId}`),
    apiKey: (text) => apiKeys.get(text),
    scope: (kind, id) => scopes[kind].get(id.toLowerCase()),
    changed: (channel, payload) => {
      if (channel === ACTOR_CHANNEL) {
        actors.forget((actor) => actor.userId === payload);
        apiKeys.forget(({ actor }) => actor.userId === payload);
      }
      if (channel === SCOPE_CHANNEL) for (const cache of Object.values(scopes)) cache.forget((scope) => scope.projectId === payload || scope.teamId === payload);
    },
    listening: (isListening) => {
      actors.listening(isListening);
      apiKeys.listening(isListening);
      for (const cache of Object.values(scopes)) cache.listening(isListening);
    },
  };
}

function pair(key: string): [userId: string, sessionId: string] {
  const [userId = '', sessionId = ''] = key.split(' ');
  return [userId, sessionId];
}

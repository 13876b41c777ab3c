/**
 * Who a session's user is, kept for a short while. The database tells every process at once when one of the rows changes (channel
 * `actor_changed`), so a deactivated user is out within milliseconds; while that channel is down nothing is kept.
 */
import type { UserActor } from '../core/actor.ts';

export interface ActorCache {
  get: (userId: string, sessionId: string) => Promise<UserActor | undefined>;
  /** Forgets one user, or everyone. */
  forget: (userId?: string) => void;
  /** Whether changes are heard of at present; without that every look-up goes to the database. */
  listening: (isListening: boolean) => void;
}

const MAX_AGE_MS = 30_000;
const MAX_ENTRIES = 10_000;

export function createActorCache(load: (userId: string, sessionId: string) => Promise<UserActor | undefined>, now: () => number = Date.now): ActorCache {
  const entries = new Map<string, { actor: UserActor; at: number }>();
  let generation = 0;
  let heard = false;
  const forget = (userId?: string): void => {
    generation += 1;
    if (userId === undefined) entries.clear();
    else for (const [sessionId, { actor }] of entries) if (actor.userId === userId) entries.delete(sessionId);
  };
  return {
    forget,
    listening: (isListening) => {
      heard = isListening;
      forget();
    },
    get: async (userId, sessionId) => {
      const known = entries.get(sessionId);
      if (known !== undefined && heard && now() - known.at < MAX_AGE_MS && known.actor.userId === userId) return known.actor;
      const before = generation;
      const actor = await load(userId, sessionId);
      // a change that came while we looked may not be in what we read
      if (actor !== undefined && heard && before === generation) {
        if (entries.size >= MAX_ENTRIES) entries.clear();
        entries.set(sessionId, { actor, at: now() });
      }
      return actor;
    },
  };
}

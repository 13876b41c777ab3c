/** Who acts: a signed-in user, an API key in its issuer's stead, nobody, or the portal itself. */
import type { components } from '../../generated/api.ts';

export type TeamRole = 'team_admin' | 'developer';

/** What both kinds of credential stand for: a user, and what that user may do at present. */
interface Account {
  userId: string;
  email: string;
  isSuperAdmin: boolean;
  /** Role by team id. */
  memberships: ReadonlyMap<string, TeamRole>;
}

export interface UserActor extends Account {
  kind: 'user';
  /** The log-in that the access token came from. */
  sessionId: string;
}

export type ApiKeyAction = components['schemas']['ApiKeyAction'];

/** Acts as its issuer, within its scope and actions. */
export interface ApiKeyActor extends Account {
  kind: 'api_key';
  keyId: string;
  /** The middle of `tos_<prefix>_<secret>`: what people know the key by. */
  prefix: string;
  /** Null where the key reaches beyond one team. */
  teamId: string | null;
  /** Null where the key reaches beyond one project. */
  projectId: string | null;
  actions: ReadonlySet<ApiKeyAction>;
}

export interface AnonymousActor {
  kind: 'anonymous';
}

/** A job: it has no user, and no HTTP request reaches it. */
export interface SystemActor {
  kind: 'system';
}

export type Actor = UserActor | ApiKeyActor | AnonymousActor | SystemActor;

export const ANONYMOUS: AnonymousActor = { kind: 'anonymous' };
export const SYSTEM: SystemActor = { kind: 'system' };

/** The user who acts, or whose key does; null for nobody and for jobs. */
export function userIdOf(actor: Actor): string | null {
  return actor.kind === 'user' || actor.kind === 'api_key' ? actor.userId : null;
}

/** Whose limits and Idempotency-Keys count together: a user, a key, or an address. */
export function subjectOf(actor: Actor, ip: string): string {
  if (actor.kind === 'user') return `user:${actor.userId}`;
  return actor.kind === 'api_key' ? `key:${actor.keyId}` : `ip:${ip}`;
}

/** Which rows a list may show: what these teams own plus what is open to the organisation, and of that what a key's scope leaves. */
export interface Visibility {
  teamIds: readonly string[] | 'all';
  onlyTeamId: string | null;
  onlyProjectId: string | null;
}

export function visibleTo(actor: Actor): Visibility {
  if (actor.kind === 'system') return { teamIds: 'all', onlyTeamId: null, onlyProjectId: null };
  if (actor.kind === 'anonymous') return { teamIds: [], onlyTeamId: null, onlyProjectId: null };
  const [onlyTeamId, onlyProjectId] = actor.kind === 'api_key' ? [actor.teamId, actor.projectId] : [null, null];
  return { teamIds: actor.isSuperAdmin ? 'all' : [...actor.memberships.keys()], onlyTeamId, onlyProjectId };
}

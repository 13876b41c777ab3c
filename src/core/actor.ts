/** Who acts: a signed-in user, nobody, or the portal itself. */

export type TeamRole = 'team_admin' | 'developer';

export interface UserActor {
  kind: 'user';
  userId: string;
  email: string;
  isSuperAdmin: boolean;
  /** Role by team id. */
  memberships: ReadonlyMap<string, TeamRole>;
  /** The log-in that the access token came from. */
  sessionId: string;
}

export interface AnonymousActor {
  kind: 'anonymous';
}

/** A job: it has no user, and no HTTP request reaches it. */
export interface SystemActor {
  kind: 'system';
}

export type Actor = UserActor | AnonymousActor | SystemActor;

export const ANONYMOUS: AnonymousActor = { kind: 'anonymous' };
export const SYSTEM: SystemActor = { kind: 'system' };

/** Which rows a list may show: everything, or what these teams own plus what is open to the organisation. */
export type Visibility = { everything: true } | { everything: false; teamIds: readonly string[] };

export function visibleTo(actor: Actor): Visibility {
  if (actor.kind === 'system') return { everything: true };
  if (actor.kind === 'anonymous') return { everything: false, teamIds: [] };
  return actor.isSuperAdmin ? { everything: true } : { everything: false, teamIds: [...actor.memberships.keys()] };
}

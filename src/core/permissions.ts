/** Which role has which permission: the only place that says so. The contract names permissions in `x-access`. */
import type { Actor, ApiKeyAction, ApiKeyActor, TeamRole, UserActor } from './actor.ts';

const DEVELOPER = [
  'project.read', 'project.create', 'project.update', 'scan.read', 'scan.trigger', 'scan.comment', 'finding.triage',
  'approval.read', 'approval.request', 'report.download', 'api_key.manage',
] as const;
const TEAM_ADMIN = [...DEVELOPER, 'project.delete', 'finding.suppress', 'vex.import', 'approval.decide', 'team.manage'] as const;

/** `admin` is nobody's role in a team: only super admins have it. */
export type Permission = (typeof TEAM_ADMIN)[number] | 'admin';

const BY_ROLE: Record<TeamRole, ReadonlySet<Permission>> = {
  developer: new Set(DEVELOPER),
  team_admin: new Set(TEAM_ADMIN),
};
/** What any signed-in user may do in a project whose visibility is `organization`. */
const ORGANIZATION: ReadonlySet<Permission> = new Set(['project.read', 'scan.read', 'report.download']);

/** The owner of what a request is about. */
export interface Scope {
  teamId: string;
  /** null where it is about the team itself. */
  projectId: string | null;
  organizationWide: boolean;
}

/**
 * Which action an API key must have for a permission. Null: no key has it, so that a key cannot make keys that outlive or exceed it.
 */
export const ACTION_FOR: Readonly<Record<Permission, ApiKeyAction | null>> = {
  'project.read': 'project:read', 'project.create': 'project:write', 'project.update': 'project:write', 'project.delete': 'project:write',
  'scan.read': 'scan:read', 'scan.trigger': 'scan:trigger', 'scan.comment': 'scan:trigger',
  'finding.triage': 'finding:triage', 'finding.suppress': 'finding:triage', 'vex.import': 'finding:triage',
  'approval.read': 'project:read', 'approval.request': 'project:write', 'approval.decide': 'approval:decide',
  'report.download': 'report:download', 'api_key.manage': null, 'team.manage': null, admin: '*',
};

/** Has the key the action at all, wherever? Users have no such bounds. */
export function hasAction(actor: Actor, permission: Permission): boolean {
  if (actor.kind !== 'api_key') return true;
  const action = ACTION_FOR[permission];
  return action !== null && (actor.actions.has('*') || actor.actions.has(action));
}

/** May the actor do this within a scope? Roles count in the owning team only; a key never does more than its issuer. */
export function allows(actor: Actor, permission: Permission, scope: Scope): boolean {
  if (actor.kind === 'system') return true;
  if (actor.kind === 'anonymous' || !hasAction(actor, permission) || !reaches(actor, scope)) return false;
  if (actor.isSuperAdmin) return true;
  const role = actor.memberships.get(scope.teamId);
  if (role !== undefined) return BY_ROLE[role].has(permission);
  return scope.organizationWide && ORGANIZATION.has(permission);
}

/** May the actor read what the permission is about: `approval.read` for `approval.decide`? False where reading has no permission of its own. */
export function mayRead(actor: Actor, permission: Permission, scope: Scope): boolean {
  const reading = TEAM_ADMIN.find((known) => known === `${permission.slice(0, permission.indexOf('.'))}.read`);
  return reading !== undefined && allows(actor, reading, scope);
}

/** May the actor do what concerns the whole installation? */
export function allowsInstallation(actor: Actor): boolean {
  if (actor.kind === 'system') return true;
  if (actor.kind === 'anonymous' || !actor.isSuperAdmin) return false;
  return actor.kind === 'user' || (actor.teamId === null && actor.projectId === null && hasAction(actor, 'admin'));
}

/** Does the scope of a key hold this? A key of one project does not reach what concerns its team. */
function reaches(actor: UserActor | ApiKeyActor, scope: Scope): boolean {
  if (actor.kind === 'user') return true;
  return (actor.teamId === null || actor.teamId === scope.teamId) && (actor.projectId === null || actor.projectId === scope.projectId);
}

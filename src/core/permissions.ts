/** Which role has which permission: the only place that says so. The contract names permissions in `x-access`. */
import type { Actor, TeamRole } from './actor.ts';

const DEVELOPER = [
  'project.read', 'project.create', 'project.update', 'scan.read', 'scan.trigger', 'scan.comment', 'finding.triage',
  'approval.read', 'approval.request', 'report.download', 'api_key.manage',
] as const;
const TEAM_ADMIN = [...DEVELOPER, 'project.delete', 'vex.import', 'approval.decide', 'team.manage'] as const;

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

/** May the actor do this within a scope? Roles count in the owning team only. */
export function allows(actor: Actor, permission: Permission, scope: Scope): boolean {
  if (actor.kind === 'system') return true;
  if (actor.kind === 'anonymous') return false;
  if (actor.isSuperAdmin) return true;
  const role = actor.memberships.get(scope.teamId);
  if (role !== undefined) return BY_ROLE[role].has(permission);
  return scope.organizationWide && ORGANIZATION.has(permission);
}

/** May the actor do what concerns the whole installation? */
export function allowsInstallation(actor: Actor): boolean {
  return actor.kind === 'system' || (actor.kind === 'user' && actor.isSuperAdmin);
}

/** A user's role in the installation and in teams. */
import { DomainError } from '../../core/errors.ts';
import type { TeamRole } from '../../core/actor.ts';
import { setSuperAdmin, type AdminUserDetail, type LockedUser } from '../../db/admin-users.ts';
import { lockTeams, membershipsOf, putMemberships } from '../../db/admin-teams.ts';
import type { Tx } from '../../db/connect.ts';
import { audit, auditAll } from '../audit.ts';
import type { Context } from '../context.ts';
import { keepTeamAdmins } from './members.ts';
import { changeUser, refuseSelf } from './users.ts';

export interface RoleChange {
  role: 'super_admin' | TeamRole;
  /** Null: every team that the user is in. */
  teamId: string | null;
}

/** Throws not-found, validation-failed, last-super-admin, cannot-modify-self, last-team-admin. */
export function changeRole(context: Context, id: string, { role, teamId }: RoleChange): Promise<AdminUserDetail> {
  return changeUser(context, id, async (tx, user) => {
    if (role === 'super_admin') {
      if (teamId !== null) throw teamFault('does not go with super_admin, which is no role in a team');
      await turnSuperAdmin(tx, context, user, true);
      return;
    }
    await refuseSelf(tx, context, user, 'Nobody changes their own role. Ask another super admin.');
    await turnSuperAdmin(tx, context, user, false);
    await giveTeamRole(tx, context, user, role, teamId);
  });
}

async function turnSuperAdmin(tx: Tx, context: Context, user: LockedUser, isSuperAdmin: boolean): Promise<void> {
  if (user.is_super_admin === isSuperAdmin) return;
  await setSuperAdmin(tx, user.id, isSuperAdmin);
  await audit(tx, context, { action: 'update', table: 'users', id: user.id, diff: { is_super_admin: [user.is_super_admin, isSuperAdmin] } });
}

async function giveTeamRole(tx: Tx, context: Context, user: LockedUser, role: TeamRole, teamId: string | null): Promise<void> {
  const wanted = teamId === null ? (await membershipsOf(tx, user.id)).map(({ team_id }) => team_id) : [teamId];
  const teams = await lockTeams(tx, wanted, 'change members');
  if (teamId !== null && teams.length === 0) throw teamFault('names no team');
  const before = new Map((await membershipsOf(tx, user.id)).map((membership) => [membership.team_id, membership.role]));
  // without a named team only those that the user is still in
  const changed = teams.map(({ id }) => id).filter((id) => (teamId === null ? before.has(id) : true) && before.get(id) !== role);
  if (changed.length === 0) return;
  await putMemberships(tx, user.id, changed, role);
  if (role !== 'team_admin' && user.is_active) await keepTeamAdmins(tx, changed.filter((id) => before.get(id) === 'team_admin'), user.id);
  await auditAll(tx, context, changed.map((id) => ({ action: before.has(id) ? 'update' : 'create', table: 'memberships', id: user.id, teamId: id, diff: { role: [before.get(id) ?? null, role] } })));
}

const teamFault = (message: string): DomainError => new DomainError('validation-failed', `/team_id ${message}.`, { errors: [{ pointer: '/team_id', message }] });

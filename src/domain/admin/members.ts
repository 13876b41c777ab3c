/** Who is in a team. */
import { DomainError, notFound } from '../../core/errors.ts';
import type { TeamRole } from '../../core/actor.ts';
import { deleteMembership, lockTeams, membershipsOf, putMemberships, teamsLeftWithoutAdmin, type AdminTeamDetail } from '../../db/admin-teams.ts';
import { lockUser } from '../../db/admin-users.ts';
import type { Tx } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getTeam } from './teams.ts';

/** Adds the user, or gives a member the role. Throws not-found, validation-failed (no such user), last-team-admin. */
export function addMember(context: Context, teamId: string, userId: string, role: TeamRole): Promise<AdminTeamDetail> {
  return inTransaction(context.db, async (tx) => {
    const user = await lockUser(tx, userId);
    if ((await lockTeams(tx, [teamId], 'change members')).length === 0) throw notFound('The team');
    if (user === undefined) throw new DomainError('validation-failed', '/user_id names no user.', { errors: [{ pointer: '/user_id', message: 'names no user' }] });
    const before = (await membershipsOf(tx, userId, teamId))[0]?.role;
    if (before !== role) {
      await putMemberships(tx, userId, [teamId], role);
      if (before === 'team_admin' && user.is_active) await keepTeamAdmins(tx, [teamId], userId);
      await audit(tx, context, { action: before === undefined ? 'create' : 'update', table: 'memberships', id: user.id, teamId, diff: { role: [before ?? null, role] } });
    }
    return getTeam({ db: tx }, teamId);
  });
}

/** Throws not-found, last-team-admin. */
export function removeMember(context: Context, teamId: string, userId: string): Promise<AdminTeamDetail> {
  return inTransaction(context.db, async (tx) => {
    const user = await lockUser(tx, userId);
    if ((await lockTeams(tx, [teamId], 'change members')).length === 0) throw notFound('The team');
    const before = (await membershipsOf(tx, userId, teamId))[0]?.role;
    if (user === undefined || before === undefined) throw notFound('The member');
    await deleteMembership(tx, userId, teamId);
    if (before === 'team_admin' && user.is_active) await keepTeamAdmins(tx, [teamId], userId);
    await audit(tx, context, { action: 'delete', table: 'memberships', id: user.id, teamId, diff: { role: [before, null] } });
    return getTeam({ db: tx }, teamId);
  });
}

/** Under the lock of these teams, of which the user was an active admin until now: throws last-team-admin where other active members would have none. */
export async function keepTeamAdmins(tx: Tx, teamIds: readonly string[], userId: string): Promise<void> {
  const left = await teamsLeftWithoutAdmin(tx, teamIds, userId);
  if (left.length === 0) return;
  throw new DomainError('last-team-admin', `The other members of ${left.map((name) => `'${name}'`).join(', ')} would have no admin. Make one of them an admin first.`);
}

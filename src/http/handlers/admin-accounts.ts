/** /v1/admin/users and /v1/admin/teams. */
import { addMember, removeMember } from '../../domain/admin/members.ts';
import { orderPasswordReset } from '../../domain/admin/password-reset.ts';
import { changeRole } from '../../domain/admin/roles.ts';
import { createTeam, deleteTeam, getTeam, listAllTeams, updateTeam } from '../../domain/admin/teams.ts';
import { activateUser, deactivateUser, getUser, listAllUsers } from '../../domain/admin/users.ts';
import { created, noContent, ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const adminAccounts = {
  listAdminUsers: async (context, { query, page }) => ok(await listAllUsers(context, { role: query.role, active: query.active, teamId: query.team_id, text: query.search }, page)),
  getAdminUser: async (context, { path }) => ok(await getUser(context, path.id)),
  updateAdminUserRole: async (context, { path, body }) => ok(await changeRole(context, path.id, { role: body.role, teamId: body.team_id ?? null })),
  activateAdminUser: async (context, { path }) => ok(await activateUser(context, path.id)),
  deactivateAdminUser: async (context, { path }) => ok(await deactivateUser(context, path.id)),
  resetAdminUserPassword: async (context, { path }) => {
    const link = await orderPasswordReset(context, path.id);
    return link === null ? noContent : ok(link);
  },
  listAdminTeams: async (context, { query, page }) => ok(await listAllTeams(context, query.search, page)),
  createAdminTeam: async (context, { body }) => created('/v1/admin/teams', await createTeam(context, body)),
  getAdminTeam: async (context, { path }) => versioned(await getTeam(context, path.id)),
  updateAdminTeam: async (context, { path, body, ifMatch }) => versioned(await updateTeam(context, path.id, ifMatch, body)),
  deleteAdminTeam: async (context, { path }) => {
    await deleteTeam(context, path.id);
    return noContent;
  },
  addAdminTeamMember: async (context, { path, body }) => ok(await addMember(context, path.id, body.user_id, body.role)),
  removeAdminTeamMember: async (context, { path }) => ok(await removeMember(context, path.id, path.user_id)),
} satisfies Partial<Handlers>;

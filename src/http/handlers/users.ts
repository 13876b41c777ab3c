/** /v1/users/me: what the signed-in user may do with their own account. */
import { changePassword } from '../../domain/accounts/change-password.ts';
import { getPreferences, replacePreferences } from '../../domain/accounts/preferences.ts';
import { endMyOtherSessions, endMySession, listMySessions } from '../../domain/accounts/sessions.ts';
import { signedIn } from '../../domain/signed-in.ts';
import { noContent, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const users = {
  replaceMyPassword: async (context, { body }) => {
    await changePassword(context, signedIn(context), { current: body.current_password, next: body.new_password });
    return noContent;
  },
  listMySessions: async (context, { page }) => ok(await listMySessions(context, signedIn(context), page)),
  deleteMySession: async (context, { path }) => {
    await endMySession(context, signedIn(context), path.session_id);
    return noContent;
  },
  deleteMyOtherSessions: async (context) => {
    await endMyOtherSessions(context, signedIn(context));
    return noContent;
  },
  getNotificationPreferences: async (context) => ok(await getPreferences(context, signedIn(context))),
  replaceNotificationPreferences: async (context, { body }) => ok(await replacePreferences(context, signedIn(context), body)),
} satisfies Partial<Handlers>;

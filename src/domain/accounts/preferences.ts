/** Notification preferences of the signed-in user. */
import type { components } from '../../../generated/api.ts';
import type { UserActor } from '../../core/actor.ts';
import { DomainError } from '../../core/errors.ts';
import { findPreferences, putPreferences } from '../../db/notification-preferences.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';

export type Preferences = components['schemas']['NotificationPreferences'];
export type PreferencesDraft = components['schemas']['NotificationPreferencesReplace'];

export async function getPreferences(context: Context, actor: UserActor): Promise<Preferences> {
  const found = await findPreferences<Preferences['kinds']>(context.db, actor.userId);
  return { in_app_enabled: true, ...(found ?? { email_enabled: true, slack_enabled: false, teams_enabled: false, kinds: {} }) };
}

/** Throws in-app-required. */
export async function replacePreferences(context: Context, actor: UserActor, draft: PreferencesDraft): Promise<Preferences> {
  if (!draft.in_app_enabled) throw new DomainError('in-app-required', 'In-app notifications cannot be switched off; send in_app_enabled: true.', { errors: [{ pointer: '/in_app_enabled', message: 'must be true' }] });
  const { email_enabled, slack_enabled, teams_enabled, kinds = {} } = draft;
  const preferences = { email_enabled, slack_enabled, teams_enabled, kinds };
  await inTransaction(context.db, async (tx) => {
    await putPreferences(tx, actor.userId, preferences);
    await audit(tx, context, { action: 'update', table: 'notification_preferences', id: actor.userId, diff: preferences });
  });
  return { in_app_enabled: true, ...preferences };
}

/** Through which channels a user hears of things. */
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';

export interface ChannelPreferences<Kinds> {
  email_enabled: boolean;
  slack_enabled: boolean;
  teams_enabled: boolean;
  /** What differs for single kinds. */
  kinds: Kinds;
}

/** undefined where the user never set any. */
export async function findPreferences<Kinds>(db: Db, userId: string): Promise<ChannelPreferences<Kinds> | undefined> {
  const { rows } = await sql<ChannelPreferences<Kinds>>`
    SELECT email_enabled, slack_enabled, teams_enabled, kinds FROM notification_preferences WHERE user_id = ${userId}`.execute(db);
  return rows[0];
}

export async function putPreferences(tx: Tx, userId: string, preferences: ChannelPreferences<object>): Promise<void> {
  await sql`
    INSERT INTO notification_preferences (user_id, email_enabled, slack_enabled, teams_enabled, kinds)
    VALUES (${userId}, ${preferences.email_enabled}, ${preferences.slack_enabled}, ${preferences.teams_enabled}, ${toJson(preferences.kinds)})
    ON CONFLICT (user_id) DO UPDATE SET email_enabled = excluded.email_enabled, slack_enabled = excluded.slack_enabled,
      teams_enabled = excluded.teams_enabled, kinds = excluded.kinds, updated_at = now()`.execute(tx);
}

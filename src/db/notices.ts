/** What has happened and is still to be told. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Tx } from './connect.ts';
import { toJson } from './json.ts';

export type NotificationKind = components['schemas']['NotificationKind'];

/** Who hears of it in the portal: everybody in the owning team, its admins, one user, the super admins, or nobody but channels. */
export type Audience = { to: 'team' | 'team_admins' | 'super_admins' | 'channels' } | { to: 'user'; userId: string };

/** Notes it in the transaction in which it happens. */
export async function announce(tx: Tx, notices: readonly { kind: NotificationKind; projectId: string | null; audience: Audience; facts: object }[]): Promise<void> {
  if (notices.length === 0) return;
  const rows = notices.map(({ kind, projectId, audience, facts }) => ({ kind, project_id: projectId, audience: audience.to, user_id: audience.to === 'user' ? audience.userId : null, facts }));
  await sql`
    INSERT INTO notices (kind, project_id, audience, user_id, facts)
    SELECT * FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS t (kind text, project_id uuid, audience text, user_id uuid, facts jsonb)`.execute(tx);
}

export interface NoticeRow {
  id: number;
  kind: NotificationKind;
  /** Null: it is about the installation. */
  project_id: string | null;
  project_name: string | null;
  facts: Record<string, unknown>;
  created_at: string;
}

/** The oldest notices, which nobody else has until the transaction ends. */
export async function takeNotices(tx: Tx, limit: number): Promise<NoticeRow[]> {
  const { rows } = await sql<NoticeRow>`
    SELECT n.id, n.kind, n.project_id, p.name AS project_name, n.facts, n.created_at FROM notices n LEFT JOIN projects p ON p.id = n.project_id
    ORDER BY n.id LIMIT ${limit} FOR UPDATE OF n SKIP LOCKED`.execute(tx);
  return rows;
}

/** Users whom notices concern, as (notice_id, kind, project_id, created_at, user_id). @param notices a table of them */
export const RECIPIENTS = (notices: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  SELECT d.id AS notice_id, d.kind, d.project_id, d.created_at, m.user_id
  FROM ${notices} d JOIN projects p ON p.id = d.project_id JOIN memberships m ON m.team_id = p.team_id AND (d.audience = 'team' OR m.role = 'team_admin') WHERE d.audience IN ('team', 'team_admins')
  UNION ALL SELECT d.id, d.kind, d.project_id, d.created_at, d.user_id FROM ${notices} d WHERE d.audience = 'user'
  UNION ALL SELECT d.id, d.kind, d.project_id, d.created_at, u.id FROM ${notices} d JOIN users u ON u.is_super_admin WHERE d.audience = 'super_admins'`;

/** The words of a notice. */
export interface Told {
  id: number;
  title: string;
  body: string;
  link: string | null;
  target_table: string | null;
  target_id: string | null;
}

/**
 * A notification for each active user whom a notice concerns, and by mail for those who want that; then the notices are gone.
 * @param byMail is there a mail server?
 * @returns how many notifications were made
 */
export async function tellNotices(tx: Tx, told: readonly Told[], byMail: boolean): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    WITH done AS (
      DELETE FROM notices WHERE id = ANY(${told.map(({ id }) => id)}::bigint[]) RETURNING *
    ), recipients AS (${RECIPIENTS(sql`done`)}), made AS (
      INSERT INTO notifications (user_id, kind, project_id, title, body, link, target_table, target_id, created_at, mail_due_at)
      SELECT r.user_id, r.kind, r.project_id, t.title, t.body, t.link, t.target_table, t.target_id, r.created_at,
        CASE WHEN ${byMail} AND coalesce((q.kinds -> r.kind ->> 'email_enabled')::boolean, q.email_enabled, true) THEN now() END
      FROM recipients r JOIN users u ON u.id = r.user_id AND u.is_active
      JOIN jsonb_to_recordset(${toJson(told)}::jsonb) AS t (id bigint, title text, body text, link text, target_table text, target_id text) ON t.id = r.notice_id
      LEFT JOIN notification_preferences q ON q.user_id = r.user_id
      ORDER BY r.notice_id, r.user_id
      RETURNING 1
    )
    SELECT count(*)::int AS count FROM made`.execute(tx);
  return rows[0]?.count ?? 0;
}

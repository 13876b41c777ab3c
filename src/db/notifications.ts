/** A user's notifications. Those of a project that the user may no longer see are as if they were not there. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Visibility } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { mayHear, projectVisible } from './scopes.ts';

export type NotificationRow = components['schemas']['Notification'];

const SORTABLE = { kind: sql`n.kind`, read_at: sql`n.read_at`, created_at: sql`n.created_at` };

const own = (userId: string, visibility: Visibility): RawBuilder<unknown>[] => {
  const visible = projectVisible(visibility);
  return [sql`n.user_id = ${userId}`, ...(visible.length === 0 ? [] : [sql`(n.project_id IS NULL OR EXISTS (SELECT FROM projects p ${where([sql`p.id = n.project_id`, ...visible])}))`])];
};

export async function listNotifications(db: Db, userId: string, visibility: Visibility, filters: { unreadOnly: boolean; kinds: readonly string[] | undefined }, page: PageRequest): Promise<{ items: NotificationRow[]; total: number }> {
  const conditions = [...own(userId, visibility), ...(filters.unreadOnly ? [sql`n.read_at IS NULL`] : []), ...(filters.kinds === undefined ? [] : [sql`n.kind = ANY(${filters.kinds})`])];
  const items = await sql<NotificationRow>`
    SELECT n.id, n.kind, n.title, n.body, n.link, n.target_table, n.target_id, n.read_at, n.created_at FROM notifications n ${where(conditions)} ${orderAndPage(page, SORTABLE, sql`n.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total FROM notifications n ${where(conditions)}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function countUnread(db: Db, userId: string, visibility: Visibility): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM notifications n ${where([...own(userId, visibility), sql`n.read_at IS NULL`])}`.execute(db);
  return rows[0]?.count ?? 0;
}

/** `gone` where the user has no such notification; `read` where it was read before. */
export async function markRead(tx: Tx, userId: string, visibility: Visibility, id: string): Promise<'marked' | 'read' | 'gone'> {
  const { rows } = await sql<{ read_at: string | null }>`SELECT n.read_at FROM notifications n ${where([...own(userId, visibility), sql`n.id = ${id}`])} FOR UPDATE`.execute(tx);
  const [found] = rows;
  if (found === undefined) return 'gone';
  if (found.read_at !== null) return 'read';
  await sql`UPDATE notifications SET read_at = now() WHERE id = ${id}`.execute(tx);
  return 'marked';
}

/** Those that were made by now, visible or not; how many there were. */
export async function markAllRead(tx: Tx, userId: string): Promise<number> {
  const { numAffectedRows = 0n } = await sql`UPDATE notifications SET read_at = now() WHERE user_id = ${userId} AND read_at IS NULL`.execute(tx);
  return Number(numAffectedRows);
}

export interface DueMail {
  id: string;
  email: string;
  title: string;
  body: string;
  link: string | null;
  tries: number;
}

/** Until the next try; 30 s and more. */
const pauseAfter = (tries: RawBuilder<unknown>): RawBuilder<unknown> => sql`(0.75 + random() / 2) * least(3600, 30 * 2 ^ ${tries}) * interval '1 second'`;
/** Longer than a mail takes to be sent: a server that says nothing for 30 s is given up. */
const SENDING = sql`interval '1 minute'`;

/** Notifications that are due by mail. They are due again later, in case this process ends before it has told what came of them. */
export async function claimDueMails(tx: Tx, limit: number, maxTries: number): Promise<DueMail[]> {
  const { rows } = await sql<DueMail>`
    WITH due AS (
      SELECT n.id FROM notifications n WHERE n.mail_due_at <= now() ORDER BY n.mail_due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE notifications n SET mail_tries = n.mail_tries + 1,
      mail_due_at = CASE WHEN n.mail_tries + 1 < ${maxTries} THEN now() + ${pauseAfter(sql`n.mail_tries`)} END
    FROM due, users u WHERE n.id = due.id AND u.id = n.user_id
    RETURNING n.id, u.email, n.title, n.body, n.link, n.mail_tries AS tries`.execute(tx);
  return rows;
}

/**
 * Takes a claimed mail for sending, so that nobody else does meanwhile. `taken` where its turn came so late that another worker has claimed it; `dropped`, and never due again, where its receiver is
 * not active any longer or may not see what it is about.
 */
export async function holdMail(db: Db, { id, tries }: DueMail): Promise<'held' | 'taken' | 'dropped'> {
  const { rows } = await sql<{ may: boolean }>`
    WITH judged AS (SELECT ${mayHear(sql`n.kind`, sql`n.project_id`)} AS may FROM notifications n JOIN users u ON u.id = n.user_id WHERE n.id = ${id})
    UPDATE notifications SET mail_due_at = CASE WHEN judged.may AND mail_due_at IS NOT NULL THEN greatest(mail_due_at, now() + ${SENDING}) END
    FROM judged WHERE id = ${id} AND mail_tries = ${tries} RETURNING judged.may`.execute(db);
  const [row] = rows;
  return row === undefined ? 'taken' : row.may ? 'held' : 'dropped';
}

/** It could not be sent: another try, where there are any left. */
export async function retryMail(db: Db, { id, tries }: DueMail): Promise<void> {
  await sql`UPDATE notifications SET mail_due_at = now() + ${pauseAfter(sql`mail_tries - 1`)} WHERE id = ${id} AND mail_tries = ${tries} AND mail_due_at IS NOT NULL`.execute(db);
}

/** No mail any more: it was sent, or refused for good. */
export async function endMail(db: Db, id: string): Promise<void> {
  await sql`UPDATE notifications SET mail_due_at = NULL WHERE id = ${id}`.execute(db);
}

export async function deleteOldNotifications(db: Db, before: Date): Promise<void> {
  await sql`DELETE FROM notifications WHERE created_at < ${before}`.execute(db);
}

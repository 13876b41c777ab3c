/** What a user has been told. */
import { visibleTo } from '../../core/actor.ts';
import { notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { countUnread, listNotifications, markAllRead, markRead, type NotificationRow } from '../../db/notifications.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { signedIn } from '../signed-in.ts';

export async function listOwnNotifications(context: Context, filters: { unreadOnly: boolean; kinds: readonly string[] | undefined }, page: PageRequest): Promise<Page<NotificationRow> & { unread_count: number }> {
  const user = signedIn(context);
  const found = await listNotifications(context.db, user.userId, visibleTo(user), filters, page);
  return { ...found, limit: page.limit, offset: page.offset, unread_count: await countUnread(context.db, user.userId, visibleTo(user)) };
}

export async function unreadCount(context: Context): Promise<number> {
  const user = signedIn(context);
  return countUnread(context.db, user.userId, visibleTo(user));
}

/** Throws not-found. */
export async function readNotification(context: Context, id: string): Promise<void> {
  const user = signedIn(context);
  await inTransaction(context.db, async (tx) => {
    const outcome = await markRead(tx, user.userId, visibleTo(user), id);
    if (outcome === 'gone') throw notFound('The notification');
    if (outcome === 'marked') await audit(tx, context, { action: 'update', table: 'notifications', id });
  });
}

export async function readAllNotifications(context: Context): Promise<void> {
  const user = signedIn(context);
  await inTransaction(context.db, async (tx) => {
    const count = await markAllRead(tx, user.userId);
    if (count > 0) await audit(tx, context, { action: 'update', table: 'notifications', id: null, diff: { count } });
  });
}

/** The signed-in user's notifications. */
import { listOwnNotifications, readAllNotifications, readNotification, unreadCount } from '../../domain/notifications/read.ts';
import { noContent, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const notifications = {
  listNotifications: async (context, { query, page }) => ok(await listOwnNotifications(context, { unreadOnly: query.unread_only === true, kinds: query.kind }, page)),
  getUnreadNotificationCount: async (context) => ok({ count: await unreadCount(context) }),
  markNotificationRead: async (context, { path }) => {
    await readNotification(context, path.id);
    return noContent;
  },
  markAllNotificationsRead: async (context) => {
    await readAllNotifications(context);
    return noContent;
  },
} satisfies Partial<Handlers>;

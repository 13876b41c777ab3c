/** /v1/notification-channels. */
import { createChannel, getChannel, listChannelDeliveries, listManagedChannels, removeChannel, resendDelivery, rotateChannelSecret, testChannel, updateChannel } from '../../domain/notifications/channels.ts';
import { created, etag, noContent, ok, versioned } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const notificationChannels = {
  listNotificationChannels: async (context, { query, page }) => ok(await listManagedChannels(context, { type: query.type, scope: query.scope, teamId: query.team_id, isEnabled: query.enabled }, page)),
  createNotificationChannel: async (context, { body }) => created('/v1/notification-channels', await createChannel(context, body)),
  getNotificationChannel: async (context, { path }) => versioned(await getChannel(context, path.id)),
  updateNotificationChannel: async (context, { path, body, ifMatch }) => versioned(await updateChannel(context, path.id, ifMatch, body)),
  deleteNotificationChannel: async (context, { path }) => {
    await removeChannel(context, path.id);
    return noContent;
  },
  testNotificationChannel: async (context, { path }) => ok(await testChannel(context, path.id)),
  rotateNotificationChannelSecret: async (context, { path, body }) => {
    const channel = await rotateChannelSecret(context, path.id, body.grace_seconds);
    return { status: 201, body: channel, headers: { ETag: etag(channel.version) } };
  },
  listNotificationDeliveries: async (context, { path, query, page }) => ok(await listChannelDeliveries(context, path.id, { states: query.state, kind: query.kind }, page)),
  resendNotificationDelivery: async (context, { path }) => ({ status: 202, body: await resendDelivery(context, path.id, path.delivery_id) }),
} satisfies Partial<Handlers>;

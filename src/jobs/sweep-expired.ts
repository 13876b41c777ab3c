/** Removes what time has made worthless: counters and cooldowns, kept answers, spent states, one-time tokens, old sessions, what came of webhooks, notifications. */
import { deleteExpiredAccountTokens } from '../db/accounts.ts';
import { deleteExpiredStates } from '../db/identities.ts';
import { deleteExpiredIdempotencyKeys } from '../db/idempotency.ts';
import { deleteExpiredLeases } from '../db/leases.ts';
import { deleteExpiredRateLimits } from '../db/rate-limits.ts';
import { deleteOldMessages } from '../db/channel-deliveries.ts';
import { deleteOldSessions } from '../db/sessions.ts';
import { deleteOldNotifications } from '../db/notifications.ts';
import { deleteOldDeliveries } from '../db/webhooks.ts';
import type { JobDefinition } from './job.ts';

const SESSION_KEEP_MS = 7 * 86_400_000;
const NOTIFICATION_KEEP_MS = 90 * 86_400_000;
const DELIVERY_KEEP_MS = 30 * 86_400_000;

export const sweepExpiredJob: JobDefinition<'sweep-expired'> = {
  name: 'sweep-expired',
  options: () => ({ retryLimit: 2 }),
  concurrency: () => 1,
  schedule: '*/10 * * * *',
  run: async ({ db, now }) => {
    await deleteExpiredRateLimits(db, now());
    await deleteExpiredIdempotencyKeys(db, now());
    await deleteExpiredStates(db, now());
    await deleteExpiredLeases(db);
    await deleteExpiredAccountTokens(db, now());
    await deleteOldSessions(db, new Date(now().getTime() - SESSION_KEEP_MS));
    await deleteOldNotifications(db, new Date(now().getTime() - NOTIFICATION_KEEP_MS));
    await deleteOldMessages(db, new Date(now().getTime() - DELIVERY_KEEP_MS));
    await deleteOldDeliveries(db, new Date(now().getTime() - DELIVERY_KEEP_MS));
  },
};

/** Tells users what has happened: woken by what happens, and once a minute for what was left over. */
import { deliverNotices, mailNotifications } from '../domain/notifications/deliver.ts';
import type { JobDefinition } from './job.ts';

export const deliverNoticesJob: JobDefinition<'deliver-notices'> = {
  name: 'deliver-notices',
  options: () => ({ retryLimit: 3, retryDelay: 1, retryBackoff: true, expireInSeconds: 1800, deleteAfterSeconds: 3600 }),
  concurrency: () => 1,
  schedule: '* * * * *',
  run: async (services, _payload, signal) => {
    await deliverNotices(services);
    await mailNotifications(services, signal);
  },
};

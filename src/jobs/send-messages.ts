/** Sends what channels are told: woken by what happens, and once a minute for what is to be tried again. */
import { sendDueMessages } from '../domain/notifications/send.ts';
import type { JobDefinition } from './job.ts';

export const sendMessagesJob: JobDefinition<'send-messages'> = {
  name: 'send-messages',
  options: () => ({ retryLimit: 3, retryDelay: 1, retryBackoff: true, expireInSeconds: 1800, deleteAfterSeconds: 3600 }),
  concurrency: () => 2,
  schedule: '* * * * *',
  run: (services, _payload, signal) => sendDueMessages(services, signal),
};

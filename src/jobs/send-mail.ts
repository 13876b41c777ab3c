/** Writes and sends one mail. A try that fails is followed by another with a token of its own; after about two hours it is given up. */
import { sendMail } from '../domain/accounts/send-mail.ts';
import type { JobDefinition } from './job.ts';

export const sendMailJob: JobDefinition<'send-mail'> = {
  name: 'send-mail',
  options: () => ({ retryLimit: 12, retryDelay: 2, retryBackoff: true, retryDelayMax: 1200, expireInSeconds: 120, deleteAfterSeconds: 3600 }),
  concurrency: () => 2,
  run: (services, order) => sendMail(services, order),
};

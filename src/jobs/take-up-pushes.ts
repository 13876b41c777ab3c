/** Scans that webhooks asked for when there was no room: woken by scans that end, and once a minute for room that comes otherwise. */
import { takeUpPushes } from '../domain/webhooks/take-up.ts';
import type { JobDefinition } from './job.ts';

export const takeUpPushesJob: JobDefinition<'take-up-pushes'> = {
  name: 'take-up-pushes',
  options: () => ({ retryLimit: 3, retryDelay: 1, retryBackoff: true, expireInSeconds: 300, deleteAfterSeconds: 3600 }),
  concurrency: () => 1,
  schedule: '* * * * *',
  run: (services, _payload, signal) => takeUpPushes(services, signal),
};

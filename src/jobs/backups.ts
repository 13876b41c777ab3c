/** Making and restoring backups. A worker that dies is noticed by its missing heartbeat, and another one begins anew. */
import { orderAutomaticBackup, runBackup } from '../domain/backups/make.ts';
import { runRestore } from '../domain/backups/restore.ts';
import { sweepBackups } from '../domain/backups/sweep.ts';
import type { JobDefinition } from './job.ts';

/** What is stopped after a day has hung. */
const OPTIONS = { retryLimit: 3, retryDelay: 5, retryBackoff: true, expireInSeconds: 86_399, deleteAfterSeconds: 86_400 };

export const makeBackupJob: JobDefinition<'make-backup'> = {
  name: 'make-backup',
  options: () => OPTIONS,
  concurrency: () => 1,
  schedule: ({ BACKUP_SCHEDULE: schedule }) => (schedule === 'off' ? null : schedule),
  scheduled: { name: null },
  run: async (services, { name }, signal) => {
    await (name === null ? orderAutomaticBackup(services) : runBackup(services, name, signal));
  },
};

export const restoreBackupJob: JobDefinition<'restore-backup'> = {
  name: 'restore-backup',
  options: () => OPTIONS,
  concurrency: () => 1,
  run: (services, { restore_id: id }, signal) => runRestore(services, id, signal),
};

export const sweepBackupsJob: JobDefinition<'sweep-backups'> = {
  name: 'sweep-backups',
  options: () => ({ retryLimit: 2 }),
  concurrency: () => 1,
  schedule: '*/10 * * * *',
  run: (services) => sweepBackups(services),
};

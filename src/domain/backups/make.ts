/** Making a backup, by a worker. */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { cut, messageOf } from '../../core/values.ts';
import { withSnapshot } from '../../db/backup/snapshot.ts';
import { deleteBackup, endBackup, expiredBackups, failBackup, findBackup, noteBackupProgress, seeBackup, type BackupRow } from '../../db/backups.ts';
import { announce } from '../../db/notices.ts';
import { inTransaction } from '../../db/transaction.ts';
import { ofJob, type Services } from '../context.ts';
import { audit } from '../audit.ts';
import { beginBackup } from './backups.ts';
import { archiveFile, makeFolder } from './files.ts';
import { keyCheck } from './key-check.ts';
import { progressNoter, whileSeen } from './seen.ts';
import { writeArchive } from './write-archive.ts';
import { volumeOf } from '../system/disk.ts';

const DAY_MS = 86_400_000;

/** Orders an automatic backup, as people order theirs: a job that has its name begins it anew where a worker stops. Undefined where one is being made. */
export function orderAutomaticBackup(services: Services): Promise<string | undefined> {
  return inTransaction(services.db, async (tx) => {
    const name = await beginBackup(tx, services, 'auto');
    if (name === undefined) return undefined;
    await audit(tx, ofJob(services, 'make-backup'), { action: 'create', table: 'backups', id: name });
    await services.enqueue(tx, 'make-backup', { name });
    return name;
  });
}

/** A fault ends it, and super admins are told; only a worker that stops leaves it to another. */
export async function runBackup(services: Services, name: string, signal: AbortSignal): Promise<void> {
  const { config, db, log } = services;
  const backup = await findBackup(db, name);
  if (backup?.status !== 'running') return;
  const part = `${archiveFile(config, name, backup.is_encrypted)}.${randomUUID()}.partial`; // a worker that was taken for dead may go on with its own
  try {
    await whileSeen(() => seeBackup(db, name), () => make(services, backup, part, signal));
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error, backup: name }, 'a backup has failed');
    await giveUpBackup(services, name, messageOf(error));
  } finally {
    await rm(part, { force: true }).catch(() => undefined); // where there is no folder there is no part of a file
  }
  if (backup.kind === 'auto') await removeExpired(services);
}

async function make(services: Services, backup: BackupRow, part: string, signal: AbortSignal): Promise<void> {
  const { config, db, sessionUrl, vault } = services;
  await makeFolder(config);
  const { usedPercent } = await volumeOf(config.BACKUP_DIR);
  if (usedPercent >= config.DISK_HARD_LIMIT_PERCENT) throw new Error(`The disk of BACKUP_DIR is used to ${usedPercent.toFixed(1)} percent. Make room there.`);
  if (backup.is_encrypted && config.BACKUP_PASSPHRASE === null) throw new Error('It was ordered to be encrypted, and the worker has no BACKUP_PASSPHRASE. Give all processes the same settings.');
  const onProgress = progressNoter((percent) => noteBackupProgress(db, backup.name, percent));
  await withSnapshot(sessionUrl, signal, async (snapshot) => {
    const about = { name: backup.name, kind: backup.kind, created_at: new Date(backup.created_at).toISOString(), key_check: keyCheck(vault) };
    const made = await writeArchive(part, about, snapshot, { passphrase: backup.is_encrypted ? config.BACKUP_PASSPHRASE : null, signal, onProgress });
    await inTransaction(db, async (tx) => {
      if (await endBackup(tx, backup.name, { ...made, revision: (snapshot.migrations.at(-1)?.name ?? '').replace(/\.sql$/, '') })) await rename(part, archiveFile(config, backup.name, backup.is_encrypted));
    });
  });
}

/** Ends a backup that comes to nothing, and has super admins told. */
export async function giveUpBackup(services: Pick<Services, 'db' | 'enqueue'>, name: string, message: string): Promise<void> {
  await inTransaction(services.db, async (tx) => {
    const told = cut(message, 1000);
    if (!(await failBackup(tx, name, told))) return;
    await announce(tx, [{ kind: 'backup_failed', projectId: null, audience: { to: 'super_admins' }, facts: { name, message: told } }]);
    await services.enqueue(tx, 'deliver-notices', {});
  });
}

async function removeExpired({ config, db, now }: Services): Promise<void> {
  for (const name of await expiredBackups(db, new Date(now().getTime() - config.BACKUP_KEEP_DAYS * DAY_MS))) {
    for (const isEncrypted of [true, false]) await rm(archiveFile(config, name, isEncrypted), { force: true });
    await inTransaction(db, (tx) => deleteBackup(tx, name));
  }
}

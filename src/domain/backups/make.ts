/** Making a backup, by a worker. */
import { rm } from 'node:fs/promises';
import { messageOf } from '../../core/values.ts';
import { withSnapshot } from '../../db/backup/snapshot.ts';
import { deleteBackup, endBackup, expiredBackups, failBackup, findBackup, noteBackupProgress } from '../../db/backups.ts';
import { announce } from '../../db/notices.ts';
import { inTransaction } from '../../db/transaction.ts';
import { ofJob, type Services } from '../context.ts';
import { audit } from '../audit.ts';
import { beginBackup } from './backups.ts';
import { archiveFile, makeFolder } from './files.ts';
import { keyCheck } from './key-check.ts';
import { writeArchive } from './write-archive.ts';
import { volumeOf } from '../system/disk.ts';

const PROGRESS_MS = 1_000;
const DAY_MS = 86_400_000;

/** Makes the backup that was ordered, or where none was, an automatic one. A fault ends it, and super admins are told; only a worker that stops leaves it to another. */
export async function runBackup(services: Services, ordered: string | null, signal: AbortSignal): Promise<void> {
  const name = ordered ?? (await beginAutomatic(services));
  const backup = name === undefined ? undefined : await findBackup(services.db, name);
  if (backup?.status !== 'running') return;
  try {
    await make(services, backup, signal);
  } catch (error) {
    signal.throwIfAborted();
    services.log.error({ err: error, backup: backup.name }, 'a backup has failed');
    await rm(`${archiveFile(services.config, backup.name, backup.is_encrypted)}.partial`, { force: true }).catch(() => undefined); // where there is no folder there is no part of a file
    await giveUpBackup(services, backup.name, messageOf(error));
  }
  if (ordered === null) await removeExpired(services);
}

function beginAutomatic(services: Services): Promise<string | undefined> {
  return inTransaction(services.db, async (tx) => {
    const name = await beginBackup(tx, services, 'auto');
    if (name !== undefined) await audit(tx, ofJob(services, 'make-backup'), { action: 'create', table: 'backups', id: name });
    return name;
  });
}

async function make(services: Services, backup: { name: string; kind: 'auto' | 'manual'; is_encrypted: boolean; created_at: string }, signal: AbortSignal): Promise<void> {
  const { config, db, sessionUrl, vault } = services;
  await makeFolder(config);
  const { usedPercent } = await volumeOf(config.BACKUP_DIR);
  if (usedPercent >= config.DISK_HARD_LIMIT_PERCENT) throw new Error(`The disk of BACKUP_DIR is used to ${usedPercent.toFixed(1)} percent. Make room there.`);
  const file = archiveFile(config, backup.name, backup.is_encrypted);
  let toldAt = 0;
  const onProgress = async (percent: number): Promise<void> => {
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    await noteBackupProgress(db, backup.name, percent);
  };
  await withSnapshot(sessionUrl, signal, async (snapshot) => {
    const about = { name: backup.name, kind: backup.kind, created_at: new Date(backup.created_at).toISOString(), key_check: keyCheck(vault) };
    const made = await writeArchive(file, about, snapshot, { passphrase: backup.is_encrypted ? config.BACKUP_PASSPHRASE : null, signal, onProgress });
    await inTransaction(db, (tx) => endBackup(tx, backup.name, { ...made, revision: (snapshot.migrations.at(-1)?.name ?? '').replace(/\.sql$/, '') }));
  });
}

/** Ends a backup that comes to nothing, and has super admins told. */
export async function giveUpBackup(services: Pick<Services, 'db' | 'enqueue'>, name: string, message: string): Promise<void> {
  await inTransaction(services.db, async (tx) => {
    if (!(await failBackup(tx, name, message.slice(0, 1000)))) return;
    await announce(tx, [{ kind: 'backup_failed', projectId: null, audience: { to: 'super_admins' }, facts: { name, message: message.slice(0, 1000) } }]);
    await services.enqueue(tx, 'deliver-notices', {});
  });
}

async function removeExpired({ config, db, now }: Services): Promise<void> {
  for (const name of await expiredBackups(db, new Date(now().getTime() - config.BACKUP_KEEP_DAYS * DAY_MS))) {
    for (const isEncrypted of [true, false]) await rm(archiveFile(config, name, isEncrypted), { force: true });
    await inTransaction(db, (tx) => deleteBackup(tx, name));
  }
}

/** The list of backups: ordering, fetching and removing them. */
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { DomainError, notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { errorCode } from '../../core/values.ts';
import { deleteBackup, findBackup, insertBackup, listBackups, type BackupKind, type BackupRow } from '../../db/backups.ts';
import type { Tx } from '../../db/connect.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context, Services } from '../context.ts';
import { archiveFile, archiveName } from './files.ts';

export async function listAllBackups({ db }: Context, kind: BackupKind | undefined, page: PageRequest): Promise<Page<BackupRow>> {
  return { ...(await listBackups(db, kind, page)), limit: page.limit, offset: page.offset };
}

/** Throws conflict: one is being made already. */
export function orderBackup(context: Context): Promise<{ name: string; task_id: string }> {
  return inTransaction(context.db, async (tx) => {
    const name = await beginBackup(tx, context, 'manual');
    if (name === undefined) throw new DomainError('conflict', 'A backup is being made already. Wait for it; GET /v1/admin/backup tells how far it is.');
    await audit(tx, context, { action: 'create', table: 'backups', id: name });
    return { name, task_id: await context.enqueue(tx, 'make-backup', { name }) };
  });
}

/** Undefined where one is being made. */
export async function beginBackup(tx: Tx, { config, now }: Pick<Services, 'config' | 'now'>, kind: BackupKind): Promise<string | undefined> {
  const name = `${kind}-${now().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  return (await insertBackup(tx, { name, kind, isEncrypted: config.BACKUP_PASSPHRASE !== null })) ? name : undefined;
}

export interface BackupDownload {
  fileName: string;
  isEncrypted: boolean;
  byteSize: number;
  content: AsyncIterable<Buffer>;
}

/** Throws not-found, conflict (not done, or its file is not here). */
export async function downloadBackup(context: Context, name: string): Promise<BackupDownload> {
  const backup = await findBackup(context.db, name);
  if (backup === undefined) throw notFound('The backup');
  if (backup.status !== 'succeeded') throw new DomainError('conflict', backup.status === 'running' ? 'The backup is still being made. Wait until its status is succeeded.' : 'The backup failed; there is no archive. Its error_message tells why; make another one.');
  const file = archiveFile(context.config, name, backup.is_encrypted);
  const found = await stat(file).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (found?.size !== backup.size_bytes) throw new DomainError('conflict', `${archiveName(name, backup.is_encrypted)} is not in this machine's BACKUP_DIR as it was made. Where processes run on several machines, BACKUP_DIR must be a folder that all of them share.`);
  await audit(context.db, context, { action: 'export', table: 'backups', id: name });
  return { fileName: archiveName(name, backup.is_encrypted), isEncrypted: backup.is_encrypted, byteSize: backup.size_bytes, content: createReadStream(file) };
}

/** Throws not-found, backup-protected, conflict. */
export async function removeBackup(context: Context, name: string): Promise<void> {
  const backup = await findBackup(context.db, name);
  if (backup === undefined) throw notFound('The backup');
  if (backup.kind === 'auto') throw new DomainError('backup-protected', 'Automatic backups are removed by themselves, after BACKUP_KEEP_DAYS.');
  if (backup.status === 'running') throw new DomainError('conflict', 'The backup is being made. Wait for it, then remove it.');
  await rm(archiveFile(context.config, name, backup.is_encrypted), { force: true });
  await inTransaction(context.db, async (tx) => {
    if (!(await deleteBackup(tx, name))) throw notFound('The backup');
    await audit(tx, context, { action: 'delete', table: 'backups', id: name });
  });
}

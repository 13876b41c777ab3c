/** Rows of backups and restores. */
import { sql } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { violates } from './transaction.ts';

export type BackupRow = components['schemas']['Backup'];
export type RestoreRow = components['schemas']['Restore'];
export type BackupKind = BackupRow['kind'];

const COLUMNS = sql`b.name, b.kind, b.status, b.progress_percent, b.size_bytes, encode(b.sha256, 'hex') AS sha256, b.is_encrypted, b.db_revision, b.error_message, b.created_at, b.finished_at`;
const SORTABLE = { name: sql`b.name`, kind: sql`b.kind`, size_bytes: sql`b.size_bytes`, created_at: sql`b.created_at` };

export async function listBackups(db: Db, kind: BackupKind | undefined, page: PageRequest): Promise<{ items: BackupRow[]; total: number }> {
  const matching = sql`FROM backups b ${where(kind === undefined ? [] : [sql`b.kind = ${kind}`])}`;
  const { rows } = await sql<BackupRow>`SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`b.name`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: rows, total: total.rows[0]?.total ?? 0 };
}

export async function findBackup(db: Db, name: string): Promise<BackupRow | undefined> {
  return (await sql<BackupRow>`SELECT ${COLUMNS} FROM backups b WHERE b.name = ${name}`.execute(db)).rows[0];
}

/** False where one is being made already, or has this name. */
export async function insertBackup(tx: Tx, backup: { name: string; kind: BackupKind; isEncrypted: boolean }): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO backups (name, kind, is_encrypted) VALUES (${backup.name}, ${backup.kind}, ${backup.isEncrypted}) ON CONFLICT DO NOTHING RETURNING name`.execute(tx);
  return rows.length > 0;
}

/** Somebody works on it, whatever it waits for. */
export async function seeBackup(db: Db, name: string): Promise<void> {
  await sql`UPDATE backups SET seen_at = now() WHERE name = ${name} AND status = 'running'`.execute(db);
}

export async function noteBackupProgress(db: Db, name: string, percent: number): Promise<void> {
  await sql`UPDATE backups SET progress_percent = ${percent}, seen_at = now() WHERE name = ${name} AND status = 'running'`.execute(db);
}

/** False where it has ended already. Whoever else would end it waits for the transaction. */
export async function endBackup(tx: Tx, name: string, made: { sizeBytes: number; sha256: Buffer; revision: string }): Promise<boolean> {
  const { rows } = await sql`
    UPDATE backups SET status = 'succeeded', progress_percent = 100, size_bytes = ${made.sizeBytes}, sha256 = ${made.sha256}, db_revision = ${made.revision}, finished_at = now()
    WHERE name = ${name} AND status = 'running' RETURNING name`.execute(tx);
  return rows.length > 0;
}

/** False where it has ended already. */
export async function failBackup(tx: Tx, name: string, message: string): Promise<boolean> {
  const { rows } = await sql`UPDATE backups SET status = 'failed', error_message = ${message}, finished_at = now() WHERE name = ${name} AND status = 'running' RETURNING name`.execute(tx);
  return rows.length > 0;
}

export async function deleteBackup(tx: Tx, name: string): Promise<boolean> {
  return (await sql`DELETE FROM backups WHERE name = ${name} AND status <> 'running' RETURNING name`.execute(tx)).rows.length > 0;
}

/** Automatic ones of before, without the newest good one; failed ones as well. */
export async function expiredBackups(db: Db, before: Date): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT name FROM backups WHERE kind = 'auto' AND status <> 'running' AND created_at < ${before}
      AND name <> coalesce((SELECT name FROM backups WHERE kind = 'auto' AND status = 'succeeded' ORDER BY created_at DESC LIMIT 1), '')`.execute(db);
  return rows.map(({ name }) => name);
}

/** What nobody has worked on for so long. */
export async function abandonedBackups(db: Db, minutes: number): Promise<string[]> {
  return (await sql<{ name: string }>`SELECT name FROM backups WHERE status = 'running' AND seen_at < now() - ${minutes} * interval '1 minute'`.execute(db)).rows.map(({ name }) => name);
}

/** Of those that have ended: when the last good one was made, and what the last one says where it failed. */
export async function lastBackups(db: Db): Promise<{ days: number | null; error: string | null }> {
  const { rows } = await sql<{ days: number | null; error: string | null }>`
    SELECT (SELECT extract(epoch FROM now() - max(finished_at))::float8 / 86400 FROM backups WHERE status = 'succeeded') AS days,
      (SELECT CASE WHEN status = 'failed' THEN coalesce(error_message, '') END FROM backups WHERE status <> 'running' ORDER BY created_at DESC LIMIT 1) AS error`.execute(db);
  return rows[0] ?? { days: null, error: null };
}

const RESTORE = sql`r.id AS task_id, r.backup_name, r.status, r.progress_percent, r.error_message, r.ordered_by_email, r.created_at, r.finished_at`;

export async function findRestore(db: Db, id: string): Promise<RestoreRow | undefined> {
  return (await sql<RestoreRow>`SELECT ${RESTORE} FROM restores r WHERE r.id = ${id}`.execute(db)).rows[0];
}

/** False where another one waits or runs. */
export async function insertRestore(tx: Tx, restore: { id: string; backupName: string; passphraseSealed: Buffer | null; email: string | null }): Promise<boolean> {
  try {
    await sql`INSERT INTO restores (id, backup_name, passphrase_sealed, ordered_by_email) VALUES (${restore.id}, ${restore.backupName}, ${restore.passphraseSealed}, ${restore.email})`.execute(tx);
    return true;
  } catch (error) {
    if (violates(error, 'restores_one_active_idx')) return false;
    throw error;
  }
}

/** The sealed passphrase of a restore that has not ended; undefined where it has. */
export async function beginRestore(db: Db, id: string): Promise<{ passphrase_sealed: Buffer | null; backup_name: string; ordered_by_email: string | null } | undefined> {
  const { rows } = await sql<{ passphrase_sealed: Buffer | null; backup_name: string; ordered_by_email: string | null }>`
    UPDATE restores SET status = 'running', progress_percent = 0, seen_at = now() WHERE id = ${id} AND status IN ('queued', 'running') RETURNING passphrase_sealed, backup_name, ordered_by_email`.execute(db);
  return rows[0];
}

/** Somebody works on it, whatever it waits for. */
export async function seeRestore(db: Db, id: string): Promise<void> {
  await sql`UPDATE restores SET seen_at = now() WHERE id = ${id} AND status = 'running'`.execute(db);
}

export async function noteRestoreProgress(db: Db, id: string, percent: number): Promise<void> {
  await sql`UPDATE restores SET progress_percent = ${percent}, seen_at = now() WHERE id = ${id} AND status = 'running'`.execute(db);
}

export async function failRestore(db: Db, id: string, message: string): Promise<void> {
  await sql`UPDATE restores SET status = 'failed', error_message = ${message}, passphrase_sealed = NULL, finished_at = now() WHERE id = ${id} AND status IN ('queued', 'running')`.execute(db);
}

export async function abandonedRestores(db: Db, minutes: number): Promise<string[]> {
  return (await sql<{ id: string }>`SELECT id FROM restores WHERE status IN ('queued', 'running') AND seen_at < now() - ${minutes} * interval '1 minute'`.execute(db)).rows.map(({ id }) => id);
}

export async function hasRestoredSince(db: Db, since: Date): Promise<boolean> {
  return (await sql`SELECT FROM restores WHERE status = 'succeeded' AND finished_at > ${since}`.execute(db)).rows.length > 0;
}

/** Restoring a backup: everything is checked before it is queued, and again while it is read. */
import { rename, rm } from 'node:fs/promises';
import { uuidv7 } from '../../core/ids.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { cut, messageOf } from '../../core/values.ts';
import { replaceAll } from '../../db/backup/replace.ts';
import { endRestore, settleRestored, stillWanted } from '../../db/backup/settle.ts';
import { beginRestore, failRestore, findRestore, insertRestore, noteRestoreProgress, seeRestore, type RestoreRow } from '../../db/backups.ts';
import { readMigrations } from '../../db/migrate.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context, Services } from '../context.ts';
import { uploadFile } from './files.ts';
import { keyCheck } from './key-check.ts';
import { invalidBackup, type Manifest } from './manifest.ts';
import { readArchive } from './read-archive.ts';
import { progressNoter, whileSeen } from './seen.ts';

export interface RestoreOrder {
  /** Where the upload was put; it is moved. */
  file: string;
  passphrase: string | undefined;
  confirm: string | undefined;
}

/** Of the whole; the rest goes into indexes. */
const LOADING_PERCENT = 75;

/** Throws restore-confirmation-required, invalid-backup, conflict (another one is under way), invalid-request (the client went during the check, which may take long, and cannot hear of it any more). */
export async function orderRestore(context: Context, { file, passphrase, confirm }: RestoreOrder): Promise<{ task_id: string; message: string }> {
  const { db, config, vault, actor } = context;
  const gone = context.request.gone();
  if (confirm !== 'restore') throw new DomainError('restore-confirmation-required', 'A restore replaces all data. Send `confirm` with the word `restore`.');
  const manifest = await readArchive(file, { passphrases: passphrasesOf(config.BACKUP_PASSPHRASE, passphrase), signal: gone }).catch((error: unknown) => {
    throw gone.aborted ? clientGone() : error;
  });
  await acceptManifest(context, manifest);
  if (gone.aborted) throw clientGone(); // from here on it is queued, whoever is there
  const id = uuidv7(context.now().getTime());
  await rename(file, uploadFile(config, id));
  try {
    await inTransaction(db, async (tx) => {
      const order = { id, backupName: manifest.name, passphraseSealed: passphrase === undefined ? null : vault.seal(passphrase), email: 'email' in actor ? actor.email : null };
      if (!(await insertRestore(tx, order))) throw new DomainError('conflict', 'A restore is under way already. Wait for it; every session ends with it.');
      await audit(tx, context, { action: 'update', table: 'restores', id, diff: { backup: manifest.name } });
      await context.enqueue(tx, 'restore-backup', { restore_id: id });
    });
  } catch (error) {
    await rm(uploadFile(config, id), { force: true });
    throw error;
  }
  return { task_id: id, message: `The restore of ${manifest.name} is queued.` };
}

/** Throws not-found. */
export async function getRestore({ db }: Context, id: string): Promise<RestoreRow> {
  const restore = await findRestore(db, id);
  if (restore === undefined) throw notFound('The restore');
  return restore;
}

/** A fault ends it with nothing changed; only a worker that stops leaves it to another. */
export async function runRestore(services: Services, id: string, signal: AbortSignal): Promise<void> {
  const { db, config, log } = services;
  const order = await beginRestore(db, id);
  if (order === undefined) return;
  try {
    await whileSeen(() => seeRestore(db, id), () => restore(services, id, order, signal));
    log.info({ restore: id, backup: order.backup_name }, 'a backup was restored');
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error, restore: id }, 'a restore has failed; nothing has changed');
    await failRestore(db, id, cut(messageOf(error), 1000));
  }
  await rm(uploadFile(config, id), { force: true });
}

type Order = NonNullable<Awaited<ReturnType<typeof beginRestore>>>;

async function restore(services: Services, id: string, order: Order, signal: AbortSignal): Promise<void> {
  const { config, db, sessionUrl, vault } = services;
  const file = uploadFile(config, id);
  const passphrases = passphrasesOf(config.BACKUP_PASSPHRASE, order.passphrase_sealed === null ? undefined : vault.open(order.passphrase_sealed));
  const manifest = await readArchive(file, { passphrases, signal });
  await acceptManifest(services, manifest);
  const total = manifest.tables.reduce((sum, { bytes }) => sum + bytes, 1);
  const tell = progressNoter((percent) => noteRestoreProgress(db, id, percent));
  await replaceAll(sessionUrl, signal, {
    migrations: manifest.migrations, tables: manifest.tables, sequences: manifest.sequences,
    begin: (client) => stillWanted(client, id),
    load: async (write) => {
      let loaded = 0;
      const again = await readArchive(file, {
        passphrases, signal,
        onPart: async (table, bytes) => {
          await write(table, bytes);
          loaded += bytes.length;
          await tell((LOADING_PERCENT * loaded) / total);
        },
      });
      if (JSON.stringify(again) !== JSON.stringify(manifest)) throw new Error('The archive has changed while it was read.');
      await write('', Buffer.alloc(0));
    },
    onProgress: (percent) => tell(LOADING_PERCENT + ((100 - LOADING_PERCENT) * percent) / 100),
    settle: (client) => settleRestored(client, { restoreId: id, backupName: manifest.name, email: order.ordered_by_email, createdAt: manifest.created_at }),
    finish: (client) => endRestore(client, id),
  });
  await inTransaction(db, (tx) => services.enqueue(tx, 'evaluate-gates', {}));
}

const clientGone = (): DomainError => new DomainError('invalid-request', 'The connection was closed before the archive was checked; nothing was changed. Send it again, and wait for the answer.', { errors: [{ message: 'connection closed' }] });

const passphrasesOf = (...some: (string | null | undefined)[]): string[] => [...new Set(some.filter((one) => typeof one === 'string' && one !== ''))].map(String);

/** Throws invalid-backup where this portal cannot have made it, or cannot read what is sealed in it. */
async function acceptManifest({ vault }: Pick<Services, 'vault'>, { migrations, key_check: check }: Manifest): Promise<void> {
  const known = new Map((await readMigrations()).map(({ name, checksum }) => [name, checksum]));
  const strange = migrations.find(({ name, checksum }) => known.get(name) !== checksum);
  if (strange !== undefined) throw invalidBackup(`The backup is of another version of the portal, which has ${strange.name}${known.has(strange.name) ? ' with other content' : ''}. Restore it with that version or a newer one.`);
  if (check !== keyCheck(vault)) throw invalidBackup('The backup was made under another SECRET_KEY, with which its credentials are sealed. Start a new portal with that key, on an empty database (set SECRET_KEY, or put the secret.key in its DATA_DIR before its first start), then restore there.');
}

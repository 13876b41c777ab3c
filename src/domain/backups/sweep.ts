/** What workers that died for good have left: rows that nobody works on, and parts of files. */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { abandonedBackups, abandonedRestores, failRestore } from '../../db/backups.ts';
import type { Services } from '../context.ts';
import { uploadFile } from './files.ts';
import { giveUpBackup } from './make.ts';

/** Longer than all tries of a job that meets dead workers. */
const ABANDONED_MINUTES = 30;
const FILE_KEEP_MS = 86_400_000;

export async function sweepBackups(services: Services): Promise<void> {
  const { config, db, now } = services;
  for (const name of await abandonedBackups(db, ABANDONED_MINUTES)) await giveUpBackup(services, name, 'The workers that made it have died.');
  for (const id of await abandonedRestores(db, ABANDONED_MINUTES)) {
    await failRestore(db, id, 'The workers that ran it have died. Nothing has changed.');
    await rm(uploadFile(config, id), { force: true });
  }
  for (const name of await readdir(config.BACKUP_DIR).catch(() => [])) {
    if (!/\.(partial|upload)$|^[0-9a-f-]{36}$/.test(name)) continue; // uploads under way have ids for names
    const file = path.join(config.BACKUP_DIR, name);
    const found = await stat(file).catch(() => null);
    if (found !== null && found.mtimeMs < now().getTime() - FILE_KEEP_MS) await rm(file, { force: true });
  }
}

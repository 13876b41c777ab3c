/** Where archives lie. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../../config.ts';

type Where = Pick<Config, 'BACKUP_DIR'>;

export const archiveName = (name: string, isEncrypted: boolean): string => `${name}.tar.gz${isEncrypted ? '.age' : ''}`;
export const archiveFile = ({ BACKUP_DIR: folder }: Where, name: string, isEncrypted: boolean): string => path.join(folder, archiveName(name, isEncrypted));
/** What was uploaded, until it is restored. */
export const uploadFile = ({ BACKUP_DIR: folder }: Where, restoreId: string): string => path.join(folder, `restore-${restoreId}.upload`);

/** For the portal's eyes alone. */
export async function makeFolder({ BACKUP_DIR: folder }: Where): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

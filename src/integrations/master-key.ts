/** The installation's master key: SECRET_KEY, or made at the first start and kept in the data folder. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Config } from '../config.ts';

export async function masterKey(config: Config): Promise<string> {
  if (config.SECRET_KEY !== null) return config.SECRET_KEY;
  const file = path.join(config.DATA_DIR, 'secret.key');
  // of two processes that start at once, one writes and both read
  await writeFile(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  });
  const key = (await readFile(file, 'utf8')).trim();
  if (key.length < 32) throw new Error(`${file} does not hold a master key. Restore it from a backup, or set SECRET_KEY.`);
  return key;
}

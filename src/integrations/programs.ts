/** Programs of the machine that the portal uses where they are installed. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { inheritedEnvironment } from '../config.ts';

/** Absolute path of a program: the configured one, else the first on PATH; null where there is none that can be run. */
export async function findProgram(name: string, configured: string | null): Promise<string | null> {
  const folders = (inheritedEnvironment()['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  for (const candidate of configured === null ? folders.map((folder) => path.join(folder, name)) : [configured]) {
    const isProgram = await access(candidate, constants.X_OK).then(async () => (await stat(candidate)).isFile(), () => false);
    if (isProgram) return candidate;
  }
  return null;
}

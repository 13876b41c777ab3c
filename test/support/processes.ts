/** Processes of this machine, as /proc shows them; Linux. */
import { readdir, readFile } from 'node:fs/promises';

/** Command lines of the processes whose environment names this folder. */
export async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (environment.includes(folder)) found.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  }
  return found.filter((line) => line !== '');
}

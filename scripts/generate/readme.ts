/** The README's settings table, from src/config.ts. */
import { readFile } from 'node:fs/promises';
import { settingsTable } from '../../src/config.ts';

export async function readmeWithSettings(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text.replace(/<!-- settings -->[\s\S]*<!-- \/settings -->/, `<!-- settings -->\n${settingsTable()}\n<!-- /settings -->`);
}

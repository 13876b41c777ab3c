/** Texts of licences on the SPDX list, read one by one: all of them are five megabytes. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../core/values.ts';
import { findSpdxLicense } from './spdx-list.ts';

/** Null for what is not on the list. @param id as expressions write it, with or without `+` */
export async function spdxLicenseText(id: string): Promise<{ name: string; text: string } | null> {
  const known = findSpdxLicense(id) ?? findSpdxLicense(id.replace(/\+$/, ''));
  if (known === undefined) return null;
  const file: unknown = JSON.parse(await readFile(fileURLToPath(import.meta.resolve(`spdx-license-list/licenses/${known.id}.json`)), 'utf8'));
  return isRecord(file) && typeof file['licenseText'] === 'string' ? { name: known.name, text: file['licenseText'].trim() } : null;
}

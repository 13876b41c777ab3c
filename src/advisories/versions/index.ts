/** Which version order each OSV ecosystem has. Ecosystems that are not here are matched by their lists of versions. */
import type { KeyOf } from './key.ts';
import { mavenKey } from './maven.ts';
import { pep440Key } from './pep440.ts';
import { goKey, semverKey } from './semver.ts';

const ORDERS: Readonly<Record<string, KeyOf>> = {
  npm: semverKey,
  PyPI: pep440Key,
  Go: goKey,
  Maven: mavenKey,
  'crates.io': semverKey,
  Hex: semverKey,
  Pub: semverKey,
};

/** Sortable key of a version; null where the ecosystem's order is not known here, or the text is no version in it. */
export function versionKey(ecosystem: string | null, version: string): Buffer | null {
  const keyOf = ecosystem === null ? undefined : ORDERS[ecosystem];
  try {
    return keyOf === undefined || version === '' ? null : keyOf(version);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export const hasOrder = (ecosystem: string): boolean => ORDERS[ecosystem] !== undefined;

/** Words of SPDX that reading and writing share. */
import type { DependencyScope } from '../../core/component.ts';
import { INSTALLED_PROPERTY } from './installed.ts';

/** CycloneDX's name of a hash algorithm -> SPDX's. */
export const HASH_TO_SPDX: Readonly<Record<string, string>> = {
  MD5: 'MD5', 'SHA-1': 'SHA1', 'SHA-256': 'SHA256', 'SHA-384': 'SHA384', 'SHA-512': 'SHA512', 'SHA3-256': 'SHA3-256', 'SHA3-384': 'SHA3-384', 'SHA3-512': 'SHA3-512',
  'BLAKE2b-256': 'BLAKE2b-256', 'BLAKE2b-384': 'BLAKE2b-384', 'BLAKE2b-512': 'BLAKE2b-512', BLAKE3: 'BLAKE3',
};
export const HASH_FROM_SPDX: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(HASH_TO_SPDX).map(([ours, spdx]) => [spdx, ours]));

/** Packages have no scope in SPDX, only relationships have; ours is also kept in the package's comment, since a package may have no relationship. So is what a package URL lacks. */
export function packageComment(scope: DependencyScope, installed: string | null): string | null {
  const notes = [...(scope === 'required' ? [] : [`sca-portal:scope=${scope}`]), ...(installed === null ? [] : [`${INSTALLED_PROPERTY}=${installed}`])];
  return notes.length === 0 ? null : notes.join(' ');
}

export function scopeInComment(comment: string | null): DependencyScope | null {
  const [, scope] = /(?:^|\s)sca-portal:scope=(\w+)/.exec(comment ?? '') ?? [];
  return scope === 'optional' || scope === 'dev' || scope === 'excluded' ? scope : null;
}

export const installedInComment = (comment: string | null): string | null => /(?:^|\s)sca-portal:installed=(\S+)/.exec(comment ?? '')?.[1] ?? null;

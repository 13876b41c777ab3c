/** Words of SPDX that reading and writing share. */
import type { ComponentType, DependencyScope } from '../../core/component.ts';
import { componentType } from './cyclonedx.ts';
import { INSTALLED_PROPERTY } from './installed.ts';

/** CycloneDX's name of a hash algorithm -> SPDX's. */
export const HASH_TO_SPDX: Readonly<Record<string, string>> = {
  MD5: 'MD5', 'SHA-1': 'SHA1', 'SHA-256': 'SHA256', 'SHA-384': 'SHA384', 'SHA-512': 'SHA512', 'SHA3-256': 'SHA3-256', 'SHA3-384': 'SHA3-384', 'SHA3-512': 'SHA3-512',
  'BLAKE2b-256': 'BLAKE2b-256', 'BLAKE2b-384': 'BLAKE2b-384', 'BLAKE2b-512': 'BLAKE2b-512', BLAKE3: 'BLAKE3',
};
export const HASH_FROM_SPDX: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(HASH_TO_SPDX).map(([ours, spdx]) => [spdx, ours]));

/** Package purposes of SPDX 2.3 by CycloneDX type, as tag-value writes them; it has none for the other types. */
export const PURPOSES: Readonly<Record<string, string>> = {
  application: 'APPLICATION', framework: 'FRAMEWORK', library: 'LIBRARY', container: 'CONTAINER', 'operating-system': 'OPERATING-SYSTEM', device: 'DEVICE', firmware: 'FIRMWARE', file: 'FILE',
};

/**
 * What a package's comment keeps: the scope, which in SPDX only relationships have and a package may have none; the type, where there is no such purpose; and which
 * qualifiers the package URL was not given with.
 */
export function packageComment(scope: DependencyScope, type: string, installed: string | null): string | null {
  const notes = [...(scope === 'required' ? [] : [`sca-portal:scope=${scope}`]), ...(PURPOSES[type] === undefined ? [`sca-portal:type=${type}`] : []), ...(installed === null ? [] : [`${INSTALLED_PROPERTY}=${installed}`])];
  return notes.length === 0 ? null : notes.join(' ');
}

export function scopeInComment(comment: string | null): DependencyScope | null {
  const [, scope] = /(?:^|\s)sca-portal:scope=(\w+)/.exec(comment ?? '') ?? [];
  return scope === 'optional' || scope === 'dev' || scope === 'excluded' ? scope : null;
}

export function typeInComment(comment: string | null): ComponentType | null {
  const [, type] = /(?:^|\s)sca-portal:type=(\S+)/.exec(comment ?? '') ?? [];
  return type === undefined ? null : componentType(type);
}

export const installedInComment = (comment: string | null): string | null => /(?:^|\s)sca-portal:installed=(\S+)/.exec(comment ?? '')?.[1] ?? null;

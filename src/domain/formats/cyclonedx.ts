/** Vocabulary that CycloneDX's JSON and XML share. */
import type { ComponentType } from '../../core/component.ts';

const TYPES: readonly ComponentType[] = [
  'application', 'container', 'cryptographic-asset', 'data', 'device', 'device-driver', 'file', 'firmware', 'framework', 'library', 'machine-learning-model', 'operating-system', 'platform',
];

/** `library` where the document says nothing that 1.6 knows. */
export function componentType(text: string | null): ComponentType {
  return TYPES.find((type) => type === text) ?? 'library';
}

/** Hexadecimal, of a length that digests have: the schemas know no other. */
export const isDigest = (text: string): boolean => /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/i.test(text);

/** Where our own documents keep what the package declares beside what people concluded: one component has one licence expression in CycloneDX. */
export const DECLARED_PROPERTY = 'sca-portal:declared-license';

export const HASH_NAMES: ReadonlySet<string> = new Set([
  'MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'SHA3-256', 'SHA3-384', 'SHA3-512', 'BLAKE2b-256', 'BLAKE2b-384', 'BLAKE2b-512', 'BLAKE3',
]);

/** What lock-file readers share: the shape of their answers, and how a component is made. */
import type { DependencyScope, DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { isRecord } from '../../core/values.ts';

export interface LockedPackages {
  components: DetectedComponent[];
  warnings: string[];
}

/** The wanted files of the same source. */
export interface OtherFiles {
  paths: readonly string[];
  /** The text of one, or null where it is not there or no text. */
  text: (path: string) => string | null;
}

export interface LockFileReader {
  name: string;
  /** By the file's base name. */
  matches: (baseName: string, path: string) => boolean;
  /** Files that are read for what they say of this one: `composer.json` beside composer.lock. */
  companion?: (baseName: string) => boolean;
  /** Throws an Error in words where the text is not such a file. */
  read: (text: string, path: string, others: OtherFiles) => LockedPackages;
}

export interface LockedPackage {
  type: string;
  namespace?: string | null;
  name: string;
  version: string;
  direct: boolean | null;
  scope?: DependencyScope;
  license?: string | null;
  hashes?: Record<string, string>;
  /** Package URLs. */
  dependsOn?: readonly string[];
  path: string;
}

export function locked({ type, namespace = null, name, version, direct, scope = 'required', license = null, hashes = {}, dependsOn = [], path }: LockedPackage): DetectedComponent {
  const purl = formatPurl({ type, namespace, name, version });
  return { ref: purl, purl, type: 'library', namespace, name, version, scope, direct, dependsOn, declaredLicense: license, hashes, supplier: null, description: null, evidence: path };
}

/** `sha512-<base64>` of Subresource Integrity, as CycloneDX names it; the strongest of several. */
export function integrityHashes(integrity: unknown): Record<string, string> {
  if (typeof integrity !== 'string') return {};
  const names: Record<string, string> = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };
  return Object.fromEntries(
    integrity.split(/\s+/).flatMap((part): [string, string][] => {
      const [algorithm = '', digest = ''] = part.split('-', 2);
      const name = names[algorithm];
      return name === undefined ? [] : [[name, Buffer.from(digest, 'base64').toString('hex')]];
    }),
  );
}

/** `@scope/name` -> its package URL parts. */
export function npmParts(full: string): { namespace: string | null; name: string } {
  const slash = full.startsWith('@') ? full.indexOf('/') : -1;
  return slash === -1 ? { namespace: null, name: full } : { namespace: full.slice(0, slash), name: full.slice(slash + 1) };
}

export function npmPurl(full: string, version: string): string {
  return formatPurl({ type: 'npm', ...npmParts(full), version });
}

/** PEP 503. */
export const pypiName = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');

export const record = (value: unknown): Record<string, unknown> => (isRecord(value) && !Array.isArray(value) ? value : {});
export const records = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : []);
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

export function parseJsonObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || Array.isArray(value)) throw new Error('it is not a JSON object');
  return value;
}

/** The path of a file named relative to another one; null where it leaves the root. */
export function beside(path: string, relative: string): string | null {
  const parts = path.split('/').slice(0, -1);
  for (const part of relative.replaceAll('\\', '/').split('/')) {
    if (part === '..' && parts.pop() === undefined) return null;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  return relative.startsWith('/') ? null : parts.join('/');
}

/** Larger ones are no manifest that anybody wrote. */
const MAX_MANIFEST = 4 * 1024 * 1024;

/** A reader of other files that parses each of them once, however many lock files ask for it; null where one is missing, broken or too large. */
export function remembered<T>(parse: (text: string) => T): (others: OtherFiles, path: string | null) => T | null {
  const known = new WeakMap<OtherFiles, Map<string, T | null>>();
  return (others, path) => {
    if (path === null) return null;
    const files = known.get(others) ?? new Map<string, T | null>();
    known.set(others, files);
    const before = files.get(path);
    if (before !== undefined) return before;
    const parsed = tryParse(others.text(path), parse);
    files.set(path, parsed);
    return parsed;
  };
}

function tryParse<T>(text: string | null, parse: (text: string) => T): T | null {
  try {
    return text === null || text.length > MAX_MANIFEST ? null : parse(text);
  } catch {
    return null;
  }
}

export const otherJson = remembered(parseJsonObject);

/** pnpm-lock.yaml, lockfile versions 5 to 9. */
import { parse } from 'yaml';
import { integrityHashes, locked, npmParts, npmPurl, record, textOf, type LockFileReader } from './lock-file.ts';

export const pnpmLock: LockFileReader = {
  name: 'pnpm-lock.yaml',
  matches: (base) => base === 'pnpm-lock.yaml',
  read: (text, path) => {
    const lock = record(parse(text, { maxAliasCount: 0 }));
    if (lock['lockfileVersion'] === undefined) throw new Error('it has no lockfileVersion');
    const importers = lock['importers'] === undefined ? [lock] : Object.values(record(lock['importers'])).map(record);
    const direct = new Set(importers.flatMap((importer) => ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) => Object.entries(record(importer[kind])).map(([name, value]) => key(name, versionOf(value))))));
    const snapshots = record(lock['snapshots']);
    const components = Object.entries(record(lock['packages'])).flatMap(([id, value]) => {
      const found = parseId(id);
      const entry = record(value);
      const name = textOf(entry['name']) ?? found?.name;
      const version = textOf(entry['version']) ?? found?.version;
      if (name === undefined || version === undefined) return [];
      const edges = { ...record(entry['dependencies']), ...record(entry['optionalDependencies']), ...record(record(snapshots[id])['dependencies']) };
      const dependsOn = Object.entries(edges).map(([one, range]) => npmPurl(one, plainVersion(String(range))));
      return [locked({
        type: 'npm', ...npmParts(name), version, direct: direct.has(key(name, version)), scope: entry['dev'] === true ? 'dev' : entry['optional'] === true ? 'optional' : 'required',
        hashes: integrityHashes(record(entry['resolution'])['integrity']), dependsOn, path,
      })];
    });
    return { components, warnings: [] };
  },
};

const key = (name: string, version: string): string => `${name}@${version}`;
const versionOf = (value: unknown): string => plainVersion(typeof value === 'string' ? value : (textOf(record(value)['version']) ?? ''));

/** `1.2.3(peer@4.0.0)` and `1.2.3_peer@4.0.0` are 1.2.3. */
const plainVersion = (version: string): string => version.replace(/[(_].*$/, '');

/** `/@s/a/1.0.0` (5), `/@s/a@1.0.0(p@1)` (6), `@s/a@1.0.0` (9). */
function parseId(id: string): { name: string; version: string } | null {
  const plain = id.replace(/^\//, '').replace(/\(.*$/, '');
  const at = plain.lastIndexOf('@');
  if (at > 0) return { name: plain.slice(0, at), version: plainVersion(plain.slice(at + 1)) };
  const slash = plain.lastIndexOf('/');
  return slash > 0 ? { name: plain.slice(0, slash), version: plainVersion(plain.slice(slash + 1)) } : null;
}

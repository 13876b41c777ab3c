/** Dart and Flutter: pubspec.lock. It says what is direct, but has no edges. */
import { locked, record, textOf, type LockFileReader } from './lock-file.ts';
import { parseLockYaml } from './lock-yaml.ts';

export const pubspecLock: LockFileReader = {
  name: 'pubspec.lock',
  matches: (base) => base === 'pubspec.lock',
  read: (text, path) => {
    const packages = parseLockYaml(text)['packages'];
    if (packages === undefined) throw new Error('it has no packages');
    const components = Object.entries(record(packages)).flatMap(([key, value]) => {
      const entry = record(value);
      const version = textOf(entry['version']);
      const kind = textOf(entry['dependency']) ?? '';
      if (version === null || entry['source'] === 'sdk' || entry['source'] === 'path') return [];
      const description = record(entry['description']);
      const sha256 = textOf(description['sha256']);
      return [locked({
        type: 'pub', name: textOf(description['name']) ?? key, version, direct: kind.startsWith('direct'), scope: kind === 'direct dev' ? 'dev' : 'required',
        hashes: sha256 === null ? {} : { 'SHA-256': sha256 }, path,
      })];
    });
    return { components, warnings: [] };
  },
};

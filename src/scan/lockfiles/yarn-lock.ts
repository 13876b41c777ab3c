/** yarn.lock: version 1's own format, and berry's YAML. */
import { parse } from 'yaml';
import type { DetectedComponent } from '../../core/component.ts';
import { integrityHashes, locked, npmParts, npmPurl, record, textOf, type LockFileReader } from './lock-file.ts';

interface Entry {
  names: string[];
  version: string;
  integrity: string | null;
  dependencies: [name: string, range: string][];
}

export const yarnLock: LockFileReader = {
  name: 'yarn.lock',
  matches: (base) => base === 'yarn.lock',
  read: (text, path) => {
    const entries = /^__metadata:/m.test(text) ? readBerry(text) : readClassic(text);
    const byRange = new Map(entries.flatMap((entry) => entry.names.map((range): [string, Entry] => [range, entry])));
    const components = entries.map((entry): DetectedComponent => {
      const name = nameOf(entry.names[0] ?? '');
      const dependsOn = entry.dependencies.flatMap(([one, range]) => {
        const target = byRange.get(`${one}@${range}`) ?? byRange.get(`${one}@npm:${range}`);
        return target === undefined ? [] : [npmPurl(one, target.version)];
      });
      return locked({ type: 'npm', ...npmParts(name), version: entry.version, direct: null, hashes: integrityHashes(entry.integrity), dependsOn, path });
    });
    return { components, warnings: [] };
  },
};

/** `@scope/name@range` -> `@scope/name`; an alias `a@npm:b@1` is the package b. */
function nameOf(descriptor: string): string {
  const alias = /@npm:((?:@[^/@]+\/)?[^@]+)@/.exec(descriptor)?.[1];
  return alias ?? descriptor.slice(0, descriptor.indexOf('@', 1));
}

function readClassic(text: string): Entry[] {
  const entries: Entry[] = [];
  let current: Entry | null = null;
  let inDependencies = false;
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    if (!line.startsWith(' ')) {
      current = { names: line.replace(/:$/, '').split(/,\s*/).map(unquote), version: '', integrity: null, dependencies: [] };
      entries.push(current);
      inDependencies = false;
    } else if (current === null) throw new Error('a line is indented before the first entry');
    else if (/^ {2}\S/.test(line)) {
      const [key, value] = splitPair(line.trim());
      inDependencies = key === 'dependencies:' || key === 'optionalDependencies:';
      if (key === 'version') current.version = value;
      if (key === 'integrity') current.integrity = value;
    } else if (inDependencies) {
      const [name, range] = splitPair(line.trim());
      current.dependencies.push([name, range]);
    }
  }
  return entries.filter((entry) => entry.version !== '');
}

function splitPair(text: string): [string, string] {
  const space = text.startsWith('"') ? text.indexOf('"', 1) + 1 : text.indexOf(' ');
  return space <= 0 ? [text, ''] : [unquote(text.slice(0, space)), unquote(text.slice(space).trim())];
}

const unquote = (text: string): string => text.trim().replaceAll(/^"|"$/g, '');

function readBerry(text: string): Entry[] {
  return Object.entries(record(parse(text, { maxAliasCount: 0 }))).flatMap(([names, value]) => {
    const entry = record(value);
    const version = textOf(entry['version']);
    if (names === '__metadata' || version === null || /@workspace:/.test(names)) return [];
    const dependencies = Object.entries(record(entry['dependencies'])).map(([name, range]): [string, string] => [name, String(range)]);
    return [{ names: names.split(/,\s*/), version, integrity: null, dependencies }];
  });
}

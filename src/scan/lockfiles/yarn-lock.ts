/** yarn.lock: version 1's own format, and berry's YAML. Scopes and direct ones come from package.json, and from berry's own workspace entries. */
import type { DependencyScope, DetectedComponent } from '../../core/component.ts';
import { integrityHashes, locked, npmParts, npmPurl, record, textOf, type LockFileReader } from './lock-file.ts';
import { parseLockYaml } from './lock-yaml.ts';
import { manifestsFor, rootsOf } from './package-json.ts';
import { scopesFrom } from './reach.ts';

interface Entry {
  /** `name@range`, all that led here. */
  descriptors: string[];
  /** Of the package itself, whatever it is called by those who use it. */
  name: string;
  version: string;
  integrity: string | null;
  dependencies: { name: string; range: string; isOptional: boolean }[];
}

export const yarnLock: LockFileReader = {
  name: 'yarn.lock',
  matches: (base) => base === 'yarn.lock',
  companion: (base) => base === 'package.json',
  read: (text, path, others) => {
    const isBerry = /^__metadata:/m.test(text);
    const entries = isBerry ? readBerry(text) : readClassic(text);
    const byDescriptor = new Map(entries.flatMap((entry) => entry.descriptors.map((one): [string, Entry] => [one, entry])));
    const find = (name: string, range: string): Entry | undefined => byDescriptor.get(`${name}@${range}`) ?? byDescriptor.get(`${name}@npm:${range}`);
    const targets = (wanted: (isOptional: boolean) => boolean): Map<string, Entry[]> =>
      new Map(entries.map((entry) => [keyOf(entry), entry.dependencies.filter(({ isOptional }) => wanted(isOptional)).flatMap(({ name, range }) => find(name, range) ?? [])]));
    const [all, needed, optional] = [targets(() => true), targets((isOptional) => !isOptional), targets((isOptional) => isOptional)];
    const keys = (of: ReadonlyMap<string, Entry[]>) => (key: string): string[] => (of.get(key) ?? []).map(keyOf);
    const manifests = manifestsFor(path, others);
    const roots = manifests.length === 0 ? null : rootsOf(manifests, (name, range) => {
      const entry = find(name, range);
      return entry === undefined ? undefined : keyOf(entry);
    });
    const scopes: ReadonlyMap<string, DependencyScope> = roots === null ? new Map() : scopesFrom(roots, keys(needed), keys(optional));
    const components = entries.map((entry): DetectedComponent => locked({
      type: 'npm', ...npmParts(entry.name), version: entry.version, direct: roots === null ? null : roots.has(keyOf(entry)), scope: scopes.get(keyOf(entry)) ?? 'required',
      hashes: integrityHashes(entry.integrity), dependsOn: (all.get(keyOf(entry)) ?? []).map((target) => npmPurl(target.name, target.version)), path,
    }));
    return { components, warnings: [] };
  },
};

const keyOf = (entry: Entry): string => `${entry.name}@${entry.version}`;

/** `@scope/name@range` -> `@scope/name`; an alias `a@npm:b@1` is the package b. */
function nameOf(descriptor: string): string {
  const alias = /@npm:((?:@[^/@]+\/)?[^@]+)@/.exec(descriptor)?.[1];
  return alias ?? descriptor.slice(0, descriptor.indexOf('@', 1));
}

function readClassic(text: string): Entry[] {
  const entries: Entry[] = [];
  let current: Entry | null = null;
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    if (line === '' || line.startsWith('#')) continue;
    if (!line.startsWith(' ')) {
      const descriptors = line.replace(/:$/, '').split(/,\s*/).map(unquote);
      current = { descriptors, name: nameOf(descriptors[0] ?? ''), version: '', integrity: null, dependencies: [] };
      entries.push(current);
      section = '';
    } else if (current === null) throw new Error('a line is indented before the first entry');
    else if (/^ {2}\S/.test(line)) {
      const [key, value] = splitPair(line.trim());
      section = key;
      if (key === 'version') current.version = value;
      if (key === 'integrity') current.integrity = value;
    } else if (section === 'dependencies:' || section === 'optionalDependencies:') {
      const [name, range] = splitPair(line.trim());
      current.dependencies.push({ name, range, isOptional: section === 'optionalDependencies:' });
    }
  }
  return entries.filter((entry) => entry.version !== '');
}

function splitPair(text: string): [string, string] {
  const space = text.startsWith('"') ? text.indexOf('"', 1) + 1 : text.indexOf(' ');
  return space <= 0 ? [text, ''] : [unquote(text.slice(0, space)), unquote(text.slice(space).trim())];
}

const unquote = (text: string): string => text.trim().replaceAll(/^"|"$/g, '');

/** `resolution` names the package itself: `b@npm:1.0.0` also where it is used under an alias. */
function readBerry(text: string): Entry[] {
  return Object.entries(parseLockYaml(text)).flatMap(([names, value]) => {
    const entry = record(value);
    const version = textOf(entry['version']);
    if (names === '__metadata' || version === null || /@workspace:/.test(names)) return [];
    const descriptors = names.split(/,\s*/);
    const resolution = textOf(entry['resolution']) ?? descriptors[0] ?? '';
    const meta = record(entry['dependenciesMeta']);
    const dependencies = Object.entries(record(entry['dependencies'])).map(([name, range]) => ({ name, range: String(range), isOptional: record(meta[name])['optional'] === true }));
    return [{ descriptors, name: resolution.slice(0, resolution.indexOf('@', 1)), version, integrity: null, dependencies }];
  });
}

/** npm: package-lock.json and npm-shrinkwrap.json, versions 1 to 3. */
import type { DependencyScope, DetectedComponent } from '../../core/component.ts';
import { beside, integrityHashes, locked, npmParts, npmPurl, otherJson, parseJsonObject, record, textOf, type LockFileReader } from './lock-file.ts';

export const packageLock: LockFileReader = {
  name: 'package-lock.json',
  matches: (base) => base === 'package-lock.json' || base === 'npm-shrinkwrap.json',
  companion: (base) => base === 'package.json',
  read: (text, path, others) => {
    const lock = parseJsonObject(text);
    if (lock['packages'] !== undefined) return { components: fromPackages(record(lock['packages']), path), warnings: [] };
    if (lock['dependencies'] !== undefined || lock['lockfileVersion'] === 1) return { components: fromTree(record(lock['dependencies']), path, otherJson(others, beside(path, 'package.json'))), warnings: [] };
    throw new Error('it has neither "packages" nor "dependencies"');
  },
};

/** No file system has longer paths; each step up one is a look. */
const MAX_FOLDER = 4096;
const DEPENDENCY_KINDS = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'] as const;

/** Versions 2 and 3: keys are folders, `node_modules/a/node_modules/@s/b`. */
function fromPackages(packages: Record<string, unknown>, path: string): DetectedComponent[] {
  const root = record(packages['']);
  const workspaces = Object.entries(packages).filter(([folder]) => folder !== '' && folder.length <= MAX_FOLDER && !folder.includes('node_modules/'));
  const direct = new Set<string>();
  for (const [folder, entry] of [['', root] as const, ...workspaces]) {
    for (const name of dependencyNames(record(entry), true)) {
      const found = resolve(packages, folder, name);
      if (found !== null) direct.add(found);
    }
  }
  return Object.entries(packages).flatMap(([folder, value]) => {
    const entry = record(value);
    const version = textOf(entry['version']);
    const at = folder.lastIndexOf('node_modules/');
    if (at === -1 || entry['link'] === true || version === null || folder.length > MAX_FOLDER) return [];
    const name = textOf(entry['name']) ?? folder.slice(at + 'node_modules/'.length);
    const dependsOn = dependencyNames(entry, false).flatMap((one) => {
      const found = resolve(packages, folder, one);
      const target = found === null ? {} : record(packages[found]);
      const targetVersion = textOf(target['version']);
      return found === null || targetVersion === null ? [] : [npmPurl(textOf(target['name']) ?? one, targetVersion)];
    });
    return [locked({ type: 'npm', ...npmParts(name), version, direct: direct.has(folder), scope: scopeOf(entry), license: textOf(entry['license']), hashes: integrityHashes(entry['integrity']), dependsOn, path })];
  });
}

function dependencyNames(entry: Record<string, unknown>, withDev: boolean): string[] {
  return DEPENDENCY_KINDS.filter((kind) => withDev || kind !== 'devDependencies').flatMap((kind) => Object.keys(record(entry[kind])));
}

/** Node's own look-up: the nearest node_modules going up. */
function resolve(packages: Record<string, unknown>, from: string, name: string): string | null {
  for (let folder = from; ; ) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (Object.hasOwn(packages, candidate)) return candidate;
    if (folder === '') return null;
    const up = folder.lastIndexOf('/node_modules/');
    folder = up === -1 ? '' : folder.slice(0, up);
  }
}

function scopeOf(entry: Record<string, unknown>): DependencyScope {
  if (entry['dev'] === true) return 'dev';
  return entry['optional'] === true || entry['devOptional'] === true ? 'optional' : 'required';
}

/** Version 1: a tree of `dependencies` with `requires`. Which ones are direct only package.json says. */
function fromTree(dependencies: Record<string, unknown>, path: string, manifest: Record<string, unknown> | null): DetectedComponent[] {
  const found: DetectedComponent[] = [];
  const wanted = manifest === null ? null : new Set(dependencyNames(manifest, true));
  const visit = (level: Record<string, unknown>, above: readonly Record<string, unknown>[]): void => {
    const levels = [level, ...above];
    if (levels.length > 200) throw new Error('it is nested too deep');
    for (const [name, value] of Object.entries(level)) {
      const entry = record(value);
      const id = identity(name, textOf(entry['version']));
      if (id === null) continue;
      const own = record(entry['dependencies']);
      const dependsOn = Object.keys(record(entry['requires'])).flatMap((one) => {
        const target = [own, ...levels].find((candidate) => Object.hasOwn(candidate, one));
        const targetId = target === undefined ? null : identity(one, textOf(record(target[one])['version']));
        return targetId === null ? [] : [npmPurl(targetId.name, targetId.version)];
      });
      found.push(locked({ type: 'npm', ...npmParts(id.name), version: id.version, direct: wanted === null ? null : above.length === 0 && wanted.has(name), scope: scopeOf(entry), hashes: integrityHashes(entry['integrity']), dependsOn, path }));
      visit(own, levels);
    }
  };
  visit(dependencies, []);
  return found;
}

/** `npm:b@1.0.0` is the package b under an alias; git and file URLs have no version that counts. */
function identity(name: string, version: string | null): { name: string; version: string } | null {
  const [, alias, aliased] = /^npm:((?:@[^/@]+\/)?[^@/]+)@([^@/:]+)$/.exec(version ?? '') ?? [];
  if (alias !== undefined && aliased !== undefined) return { name: alias, version: aliased };
  return version === null || /[:/]/.test(version) ? null : { name, version };
}

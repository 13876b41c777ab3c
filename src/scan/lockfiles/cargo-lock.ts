/** Rust: Cargo.lock. The Cargo.toml files of its workspace say what each of its own crates asks for, and in which scope. */
import { parse } from 'smol-toml';
import type { DependencyScope } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, record, records, remembered, textOf, type LockFileReader, type OtherFiles } from './lock-file.ts';
import { addRoot, scopesFrom } from './reach.ts';

interface Crate {
  name: string;
  version: string;
  /** null: a crate of the workspace itself. */
  source: string | null;
  checksum: string | null;
  /** Keys. */
  needs: string[];
}

type Scope = Exclude<DependencyScope, 'excluded'>;

export const cargoLock: LockFileReader = {
  name: 'Cargo.lock',
  matches: (base) => base === 'Cargo.lock',
  companion: (base) => base === 'Cargo.toml',
  read: (text, path, others) => {
    const crates = cratesOf(record(parse(text)));
    const asked = scopesByCrate(path, others);
    const roots = new Map<string, DependencyScope>();
    for (const crate of crates.values()) {
      if (crate.source !== null) continue;
      for (const key of crate.needs) {
        const target = crates.get(key);
        const scope = asked.get(crate.name)?.get(target?.name ?? '') ?? 'required';
        if (target !== undefined && target.source !== null && scope !== 'excluded') addRoot(roots, key, scope);
      }
    }
    const scopes = scopesFrom(roots, (key) => crates.get(key)?.needs ?? []);
    const components = [...crates].filter(([, { source }]) => source !== null).map(([key, { name, version, checksum, needs }]) => locked({
      type: 'cargo', name, version, direct: roots.has(key), scope: scopes.get(key) ?? 'required', hashes: checksum === null ? {} : { 'SHA-256': checksum }, path,
      dependsOn: needs.flatMap((need) => {
        const target = crates.get(need);
        return target === undefined || target.source === null ? [] : [formatPurl({ type: 'cargo', namespace: null, name: target.name, version: target.version })];
      }),
    }));
    return { components, warnings: [] };
  },
};

/** By `name version`. A dependency is written with its version only where there are several; checksums stand apart until version 1 of the format. */
function cratesOf(lock: Record<string, unknown>): Map<string, Crate> {
  const metadata = record(lock['metadata']);
  const packages = [...records(lock['package']), ...('root' in lock ? [record(lock['root'])] : [])].flatMap((one) => {
    const [name, version, source] = [textOf(one['name']), textOf(one['version']), textOf(one['source'])];
    const needs = Array.isArray(one['dependencies']) ? one['dependencies'].filter((need: unknown) => typeof need === 'string') : [];
    return name === null || version === null ? [] : [{ name, version, source, checksum: textOf(one['checksum']) ?? textOf(metadata[`checksum ${name} ${version} (${source ?? ''})`]), needs }];
  });
  const versionOf = new Map(packages.map(({ name, version }) => [name, version]));
  const keyOf = (need: string): string => {
    const [name = '', version] = need.split(' ');
    return `${name} ${version ?? versionOf.get(name) ?? ''}`;
  };
  return new Map(packages.map((one) => [`${one.name} ${one.version}`, { ...one, needs: one.needs.map(keyOf) }]));
}

const manifest = remembered((text) => record(parse(text)));

const KINDS: readonly [string, Scope][] = [['dependencies', 'required'], ['dev-dependencies', 'dev'], ['dev_dependencies', 'dev'], ['build-dependencies', 'dev'], ['build_dependencies', 'dev']];

/** Of each crate of the workspace: the crates that it names, with their scope. What only builds it is no part of the product. */
function scopesByCrate(path: string, others: OtherFiles): Map<string, Map<string, DependencyScope>> {
  const root = beside(path, 'Cargo.toml') ?? '';
  const folder = root.slice(0, -'Cargo.toml'.length);
  const shared = record(record(manifest(others, root)?.['workspace'])['dependencies']);
  const found = new Map<string, Map<string, DependencyScope>>();
  for (const place of others.paths.filter((one) => one === root || (one.startsWith(folder) && one.endsWith('/Cargo.toml')))) {
    const toml = manifest(others, place);
    const name = textOf(record(toml?.['package'])['name']);
    if (toml === null || name === null) continue;
    const scopes = new Map<string, DependencyScope>();
    for (const table of [toml, ...Object.values(record(toml['target'])).map(record)]) {
      for (const [kind, scope] of KINDS) {
        for (const [alias, value] of Object.entries(record(table[kind]))) {
          const entry = record(value);
          const crate = textOf(entry['package']) ?? (entry['workspace'] === true ? textOf(record(shared[alias])['package']) : null) ?? alias;
          addRoot(scopes, crate, scope === 'required' && entry['optional'] === true ? 'optional' : scope);
        }
      }
    }
    found.set(name, scopes);
  }
  return found;
}

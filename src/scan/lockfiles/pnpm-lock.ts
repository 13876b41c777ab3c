/** pnpm-lock.yaml, lockfile versions 5 to 9. A package has one entry for each set of peers; these are one component. */
import type { DependencyScope } from '../../core/component.ts';
import { integrityHashes, locked, npmParts, npmPurl, record, textOf, type LockFileReader } from './lock-file.ts';
import { parseLockYaml } from './lock-yaml.ts';
import { addRoot, scopesFrom } from './reach.ts';

interface Id {
  name: string;
  version: string;
}

const IMPORTED = [['dependencies', 'required'], ['optionalDependencies', 'optional'], ['devDependencies', 'dev']] as const;

export const pnpmLock: LockFileReader = {
  name: 'pnpm-lock.yaml',
  matches: (base) => base === 'pnpm-lock.yaml',
  read: (text, path) => {
    const lock = parseLockYaml(text);
    const version = lock['lockfileVersion'];
    if (typeof version !== 'string' && typeof version !== 'number') throw new Error('it has no lockfileVersion');
    const isOld = Number.parseFloat(`${version}`) < 6;
    const edges = new Map<string, { needs: Set<string>; optional: Set<string> }>();
    const ids = new Map<string, Id>();
    const entries = new Map<string, Record<string, unknown>>();
    for (const [section, isPackage] of [[lock['packages'], true], [lock['snapshots'], false]] as const) {
      for (const [id, value] of Object.entries(record(section))) {
        const entry = record(value);
        const parsed = parseId(id, isOld);
        const [name, version] = [textOf(entry['name']) ?? parsed?.name, textOf(entry['version']) ?? parsed?.version];
        if (name === undefined || version === undefined || /^(?:link|file|https?):/.test(version)) continue;
        const key = keyOf({ name, version });
        ids.set(key, { name, version });
        if (isPackage && !entries.has(key)) entries.set(key, entry);
        const own = edges.get(key) ?? { needs: new Set(), optional: new Set() };
        edges.set(key, own);
        for (const [one, target] of Object.entries(record(entry['dependencies']))) own.needs.add(keyOf(targetOf(one, String(target), isOld)));
        for (const [one, target] of Object.entries(record(entry['optionalDependencies']))) own.optional.add(keyOf(targetOf(one, String(target), isOld)));
      }
    }
    const roots = rootsOf(lock, isOld);
    const scopes = scopesFrom(roots, (key) => [...(edges.get(key)?.needs ?? [])], (key) => [...(edges.get(key)?.optional ?? [])]);
    const components = [...entries].flatMap(([key, entry]) => {
      const id = ids.get(key);
      if (id === undefined) return [];
      const { needs = [], optional = [] } = edges.get(key) ?? {};
      const dependsOn = [...new Set([...needs, ...optional])].flatMap((one) => ids.get(one) ?? []).map(({ name, version }) => npmPurl(name, version));
      const scope = scopes.get(key) ?? (entry['dev'] === true ? 'dev' : 'required');
      return [locked({
        type: 'npm', ...npmParts(id.name), version: id.version, direct: roots.has(key), scope: scope === 'required' && entry['optional'] === true ? 'optional' : scope,
        hashes: integrityHashes(record(entry['resolution'])['integrity']), dependsOn, path,
      })];
    });
    return { components, warnings: [] };
  },
};

const keyOf = ({ name, version }: Id): string => `${name}@${version}`;

function rootsOf(lock: Record<string, unknown>, isOld: boolean): Map<string, DependencyScope> {
  const importers = lock['importers'] === undefined ? [lock] : Object.values(record(lock['importers'])).map(record);
  const roots = new Map<string, DependencyScope>();
  for (const importer of importers) {
    for (const [kind, scope] of IMPORTED) {
      for (const [name, value] of Object.entries(record(importer[kind]))) {
        const version = textOf(value) ?? textOf(record(value)['version']);
        if (version !== null) addRoot(roots, keyOf(targetOf(name, version, isOld)), scope);
      }
    }
  }
  return roots;
}

/** `1.2.3(peer@4.0.0)`, before version 6 `1.2.3_peer@4.0.0`, is 1.2.3. */
const plain = (text: string, isOld: boolean): string => (isOld ? text.replace(/_.*$/, '') : text.replace(/\(.*$/, ''));

/** What a dependency was resolved to: a version, or the id of another package where it is used under an alias. */
function targetOf(name: string, target: string, isOld: boolean): Id {
  const bare = plain(target, isOld);
  const isVersion = /^\d[^/@]*$/.test(bare);
  return (isVersion ? null : parseId(target, isOld)) ?? { name, version: bare };
}

/** `/@s/a/1.0.0_p@1` (5), `/@s/a@1.0.0(p@1)` (6), `@s/a@1.0.0(p@1)` (9). */
function parseId(id: string, isOld: boolean): Id | null {
  if (isOld) {
    const [, name, version] = /^\/((?:@[^/]+\/)?[^/]+)\/([^/_]+)/.exec(id) ?? [];
    return name === undefined || version === undefined ? null : { name, version };
  }
  const bare = plain(id.replace(/^\//, ''), false);
  const at = bare.indexOf('@', 1);
  return at === -1 ? null : { name: bare.slice(0, at), version: bare.slice(at + 1) };
}

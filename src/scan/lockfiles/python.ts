/** Python: poetry.lock, uv.lock (and pyproject.toml for what is direct) and Pipfile.lock. */
import { parse } from 'smol-toml';
import type { DependencyScope, DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, parseJsonObject, pypiName, record, records, textOf, type LockFileReader, type OtherFiles } from './lock-file.ts';
import { addRoot, scopesFrom } from './reach.ts';

interface Table {
  name: string;
  version: string;
  table: Record<string, unknown>;
  needs: string[];
}

const pypiPurl = (name: string, version: string): string => formatPurl({ type: 'pypi', namespace: null, name, version });
const names = (value: unknown): string[] => (Array.isArray(value) ? records(value).flatMap((one) => textOf(one['name']) ?? []) : Object.keys(record(value))).map(pypiName);

/** `[[package]]` tables; `dependencies` is a table in poetry's and an array in uv's, which also lists those of extras. */
function tablesOf(text: string): Table[] {
  const tables = record(parse(text))['package'];
  return records(tables).flatMap((table) => {
    const [name, version] = [textOf(table['name']), textOf(table['version'])];
    const needs = [...names(table['dependencies']), ...Object.values(record(table['optional-dependencies'])).flatMap(names)];
    return name === null ? [] : [{ name: pypiName(name), version: version ?? '', table, needs: [...new Set(needs)] }];
  });
}

/** Versions of one package that edges lead to. */
const MAX_VARIANTS = 20;

/** @param roots direct dependencies; null where nothing says */
function components(tables: readonly Table[], roots: ReadonlyMap<string, DependencyScope> | null, path: string): DetectedComponent[] {
  const byName = new Map<string, Table[]>();
  for (const one of tables) { // several versions, by marker
    const known = byName.get(one.name);
    if (known === undefined) byName.set(one.name, [one]);
    else if (known.length < MAX_VARIANTS) known.push(one);
  }
  const scopes: ReadonlyMap<string, DependencyScope> = roots === null ? new Map() : scopesFrom(roots, (name) => (byName.get(name) ?? []).flatMap((one) => one.needs));
  return tables.filter((one) => one.version !== '').map(({ name, version, table, needs }) => locked({
    type: 'pypi', name, version, direct: roots === null ? null : roots.has(name), scope: scopes.get(name) ?? statedScope(table),
    dependsOn: needs.flatMap((one) => (byName.get(one) ?? []).filter((target) => target.version !== '').map((target) => pypiPurl(one, target.version))), path,
  }));
}

/** `category` until poetry 1.4, `groups` since 2.0, and `optional`. */
function statedScope(table: Record<string, unknown>): DependencyScope {
  const groups = table['groups'];
  if (table['category'] === 'dev' || (Array.isArray(groups) && groups.length > 0 && !groups.includes('main'))) return 'dev';
  return table['optional'] === true ? 'optional' : 'required';
}

export const poetryLock: LockFileReader = {
  name: 'poetry.lock',
  matches: (base) => base === 'poetry.lock',
  companion: (base) => base === 'pyproject.toml',
  read: (text, path, others) => ({ components: components(tablesOf(text), pyprojectRoots(path, others), path), warnings: [] }),
};

/** Project (PEP 621), dependency groups (PEP 735) and poetry's own sections. */
function pyprojectRoots(path: string, others: OtherFiles): Map<string, DependencyScope> | null {
  const manifest = parseToml(others.text(beside(path, 'pyproject.toml') ?? ''));
  if (manifest === null) return null;
  const roots = new Map<string, DependencyScope>();
  const add = (found: readonly string[], scope: 'required' | 'optional' | 'dev'): void => found.filter((name) => name !== 'python').forEach((name) => addRoot(roots, name, scope));
  const project = record(manifest['project']);
  const poetry = record(record(manifest['tool'])['poetry']);
  add(requirementNames(project['dependencies']), 'required');
  for (const extra of Object.values(record(project['optional-dependencies']))) add(requirementNames(extra), 'optional');
  for (const group of Object.values(record(manifest['dependency-groups']))) add(requirementNames(group), 'dev');
  for (const [name, wanted] of Object.entries(record(poetry['dependencies']))) add([pypiName(name)], record(wanted)['optional'] === true ? 'optional' : 'required');
  add(names(poetry['dev-dependencies']), 'dev');
  for (const group of Object.values(record(poetry['group']))) add(names(record(group)['dependencies']), 'dev');
  return roots;
}

function parseToml(text: string | null): Record<string, unknown> | null {
  try {
    return text === null ? null : record(parse(text));
  } catch {
    return null;
  }
}

const requirementNames = (value: unknown): string[] =>
  (Array.isArray(value) ? value : []).flatMap((one: unknown) => (typeof one === 'string' ? (/^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(one)?.[0] ?? []) : [])).map(pypiName);

/** The workspace's own members are in the lock file, with what they need by group. */
export const uvLock: LockFileReader = {
  name: 'uv.lock',
  matches: (base) => base === 'uv.lock',
  read: (text, path) => {
    const tables = tablesOf(text);
    const isOwn = ({ table }: Table): boolean => ['virtual', 'editable'].some((kind) => record(table['source'])[kind] !== undefined);
    const roots = new Map<string, DependencyScope>();
    for (const { table } of tables.filter(isOwn)) {
      for (const name of names(table['dependencies'])) addRoot(roots, name, 'required');
      for (const name of Object.values(record(table['optional-dependencies'])).flatMap(names)) addRoot(roots, name, 'optional');
      for (const name of Object.values(record(table['dev-dependencies'])).flatMap(names)) addRoot(roots, name, 'dev');
    }
    const others = tables.filter((one) => !isOwn(one));
    return { components: components(others, tables.some(isOwn) ? roots : null, path), warnings: [] };
  },
};

export const pipfileLock: LockFileReader = {
  name: 'Pipfile.lock',
  matches: (base) => base === 'Pipfile.lock',
  companion: (base) => base === 'Pipfile',
  read: (text, path, others) => {
    const lock = parseJsonObject(text);
    const manifest = parseToml(others.text(beside(path, 'Pipfile') ?? ''));
    const direct = manifest === null ? null : new Set([...names(manifest['packages']), ...names(manifest['dev-packages'])]);
    let passedOver = 0;
    const section = (name: string, scope: 'required' | 'dev'): DetectedComponent[] =>
      Object.entries(record(lock[name])).flatMap(([one, value]) => {
        const version = textOf(record(value)['version'])?.replace(/^===?/, '');
        if (version === undefined) passedOver += 1;
        return version === undefined ? [] : [locked({ type: 'pypi', name: pypiName(one), version, direct: direct === null ? null : direct.has(pypiName(one)), scope, path })];
      });
    const found = [...section('default', 'required'), ...section('develop', 'dev')];
    return { components: found, warnings: passedOver === 0 ? [] : [`${passedOver} dependencies from git or a folder were passed over`] };
  },
};

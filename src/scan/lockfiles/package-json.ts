/** What package.json files ask for: which dependencies are direct, and in which scope. */
import type { DependencyScope } from '../../core/component.ts';
import { beside, otherJson, record, type OtherFiles } from './lock-file.ts';
import { addRoot } from './reach.ts';

const KINDS = [['dependencies', 'required'], ['optionalDependencies', 'optional'], ['devDependencies', 'dev']] as const;

/** `name` and the range behind it, with its scope; a dependency that also stands in optionalDependencies is optional. */
function wantedBy(manifest: Record<string, unknown>): { name: string; range: string; scope: DependencyScope }[] {
  const optional = record(manifest['optionalDependencies']);
  return KINDS.flatMap(([kind, scope]) => Object.entries(record(manifest[kind]))
    .filter(([name]) => kind !== 'dependencies' || !Object.hasOwn(optional, name))
    .map(([name, range]) => ({ name, range: typeof range === 'string' ? range : '', scope })));
}

/** The manifest beside the lock file, and those below it where it has workspaces; empty where there is none. */
export function manifestsFor(path: string, others: OtherFiles): Record<string, unknown>[] {
  const own = beside(path, 'package.json');
  const root = otherJson(others, own);
  if (root === null || own === null) return [];
  const folder = own.slice(0, -'package.json'.length);
  const below = root['workspaces'] === undefined ? [] : others.paths.filter((one) => one !== own && one.startsWith(folder) && one.endsWith('/package.json'));
  return [root, ...below.map((one) => otherJson(others, one)).filter((one) => one !== null)];
}

/** Roots for scopesFrom: `keyOf` finds the locked package that a wanted range became. */
export function rootsOf(manifests: readonly Record<string, unknown>[], keyOf: (name: string, range: string) => string | undefined): Map<string, DependencyScope> {
  const roots = new Map<string, DependencyScope>();
  for (const { name, range, scope } of manifests.flatMap(wantedBy)) {
    const key = keyOf(name, range);
    if (key !== undefined && scope !== 'excluded') addRoot(roots, key, scope);
  }
  return roots;
}

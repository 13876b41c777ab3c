/**
 * Java: pom.xml, the direct dependencies with what the file, its parents and the BOMs that it imports say of their versions, as far as the
 * same source has them. Those that only a repository has are not fetched: what depends on them is warned about.
 */
import type { DependencyScope } from '../../core/component.ts';
import { beside, locked, remembered, type LockFileReader, type OtherFiles } from './lock-file.ts';
import { readPom, type Pom, type PomDependency } from './pom-file.ts';

const MAX_PARENTS = 20;
const readOther = remembered(readPom);

export const pomXml: LockFileReader = {
  name: 'pom.xml',
  matches: (base) => base === 'pom.xml',
  read: (text, path, others) => {
    const pom = readPom(text);
    const source = sourceOf(others);
    const chain = source.chainOf(pom, path);
    const properties = propertiesOf(chain);
    const managed = source.managedBy(path, chain);
    const unknown: string[] = [];
    const components = distinct(chain.flatMap(({ dependencies }) => dependencies), properties).flatMap((dependency) => {
      const { groupId, artifactId } = dependency;
      const rule = managed.rules.get(`${groupId}:${artifactId}`);
      if (source.pathOf.has(`${groupId}:${artifactId}`)) return []; // another module of the same source
      const version = exact(dependency.version === '' ? (rule?.version ?? '') : fill(dependency.version, properties));
      if (version === null) unknown.push(`${groupId}:${artifactId}`.slice(0, 200));
      const scope = scopeOf(dependency.scope === '' ? (rule?.scope ?? '') : dependency.scope, dependency.optional);
      return version === null ? [] : [locked({ type: 'maven', namespace: groupId, name: artifactId, version, direct: true, scope, path })];
    });
    if (unknown.length === 0) return { components, warnings: [] };
    const elsewhere = [...managed.missing, ...missingParent(chain)];
    const where = elsewhere.length === 0 ? '' : `, but may in ${elsewhere.slice(0, 5).join(', ')}, which a repository has`;
    return { components, warnings: [`the versions of ${unknown.length} dependencies do not stand in the source${where}: ${unknown.slice(0, 5).join(', ')}`] };
  },
};

function scopeOf(scope: string, optional: string): DependencyScope {
  if (scope === 'test') return 'dev';
  if (scope === 'provided' || scope === 'system') return 'excluded';
  return optional === 'true' ? 'optional' : 'required';
}

/** `[1.2.3]` is 1.2.3; null for ranges, words and what stayed open. */
function exact(version: string): string | null {
  const plain = /^\[([^,[\]]+)\]$/.exec(version)?.[1] ?? version;
  return plain === '' || /^(?:LATEST|RELEASE)$|[${}[\](),\s]/.test(plain) ? null : plain;
}

/** The nearest statement of each dependency, its coordinates filled in. */
function distinct(dependencies: readonly PomDependency[], properties: ReadonlyMap<string, string>): PomDependency[] {
  const found = new Map<string, PomDependency>();
  for (const one of dependencies) {
    const [groupId, artifactId] = [fill(one.groupId, properties), fill(one.artifactId, properties)];
    if (!found.has(`${groupId}:${artifactId}`)) found.set(`${groupId}:${artifactId}`, { ...one, groupId, artifactId });
  }
  return [...found.values()];
}

const coordinatesOf = (pom: Pom): string => `${pom.own.get('project.groupId') ?? pom.own.get('parent.groupId') ?? ''}:${pom.own.get('project.artifactId') ?? ''}`;

/** The parent that the topmost file names, where the source has it not. */
function missingParent(chain: readonly Pom[]): string[] {
  const own = chain.at(-1)?.own;
  const artifactId = own?.get('parent.artifactId');
  return artifactId === undefined ? [] : [`the parent ${own?.get('parent.groupId') ?? ''}:${artifactId}:${own?.get('parent.version') ?? ''}`.slice(0, 200)];
}

/** What dependencyManagement gives, and BOMs that it imports from elsewhere. */
interface Managed {
  /** By `groupId:artifactId`, versions filled in. */
  rules: ReadonlyMap<string, PomDependency>;
  missing: readonly string[];
}

/** All pom.xml of one source, found by path and by coordinates. */
class MavenSource {
  readonly #others: OtherFiles;
  readonly #managed = new Map<string, Managed>();
  readonly pathOf = new Map<string, string>();

  constructor(others: OtherFiles) {
    this.#others = others;
    for (const path of others.paths) {
      const pom = path === 'pom.xml' || path.endsWith('/pom.xml') ? readOther(others, path) : null;
      if (pom !== null) this.pathOf.set(coordinatesOf(pom), path);
    }
  }

  /** The file and its parents in the source, nearest first: where relativePath leads if that is the parent, else the one with its coordinates. */
  chainOf(pom: Pom, path: string): Pom[] {
    const chain = [pom];
    const seen = new Set([path]);
    let place = path;
    for (let child = pom; chain.length < MAX_PARENTS; ) {
      const wanted = child.own.get('parent.artifactId');
      if (wanted === undefined) break;
      const relative = child.own.get('parent.relativePath') ?? '../pom.xml';
      const near = relative === '' ? null : beside(place, relative.endsWith('.xml') ? relative : `${relative}/pom.xml`);
      const isParent = near !== null && readOther(this.#others, near)?.own.get('project.artifactId') === wanted;
      const target = isParent ? near : this.pathOf.get(`${child.own.get('parent.groupId') ?? ''}:${wanted}`);
      const parent = target === undefined || seen.has(target) ? null : readOther(this.#others, target);
      if (target === undefined || parent === null) break;
      seen.add(target);
      chain.push(parent);
      [child, place] = [parent, target];
    }
    return chain;
  }

  /** Rules of the file and its parents, the nearest first; then those of imported BOMs, the first one that has a rule. */
  managedBy(path: string, chain: readonly Pom[]): Managed {
    const known = this.#managed.get(path);
    if (known !== undefined) return known;
    this.#managed.set(path, { rules: new Map(), missing: [] }); // BOMs of hostile sources import each other in circles
    const properties = propertiesOf(chain);
    const rules = new Map<string, PomDependency>();
    const imports: string[] = [];
    const versions = new Map<string, string>();
    for (const one of chain.flatMap(({ managed }) => managed)) {
      const [key, version] = [`${fill(one.groupId, properties)}:${fill(one.artifactId, properties)}`, fill(one.version, properties)];
      if (one.scope === 'import') {
        imports.push(key);
        versions.set(key, version);
      } else if (!rules.has(key)) rules.set(key, { ...one, version });
    }
    const missing = new Set<string>();
    for (const key of imports) {
      const place = this.pathOf.get(key);
      const bom = place === undefined ? null : readOther(this.#others, place);
      if (place === undefined || bom === null) {
        missing.add(`the BOM ${key}:${versions.get(key) ?? ''}`.slice(0, 200));
        continue;
      }
      const inner = this.managedBy(place, this.chainOf(bom, place));
      for (const [name, rule] of inner.rules) if (!rules.has(name)) rules.set(name, rule);
      for (const name of inner.missing) missing.add(name);
    }
    const managed = { rules, missing: [...missing] };
    this.#managed.set(path, managed);
    return managed;
  }
}

const sources = new WeakMap<OtherFiles, MavenSource>();
function sourceOf(others: OtherFiles): MavenSource {
  const source = sources.get(others) ?? new MavenSource(others);
  sources.set(others, source);
  return source;
}

function propertiesOf(chain: readonly Pom[]): Map<string, string> {
  const merged = new Map<string, string>();
  for (const pom of chain.toReversed()) for (const [name, value] of pom.properties) merged.set(name, value);
  const nearest = (name: string): string | undefined => chain.flatMap(({ own }) => [own.get(`project.${name}`), own.get(`parent.${name}`)]).find((value) => value !== undefined);
  for (const name of ['groupId', 'version', 'artifactId']) {
    const value = name === 'artifactId' ? chain[0]?.own.get('project.artifactId') : nearest(name);
    if (value !== undefined) for (const prefix of ['project.', 'pom.', '']) merged.set(`${prefix}${name}`, value);
    const ofParent = chain[0]?.own.get(`parent.${name}`);
    if (ofParent !== undefined) merged.set(`project.parent.${name}`, ofParent).set(`parent.${name}`, ofParent);
  }
  return merged;
}

/** `${name}` from the properties; what is not there stays. */
function fill(text: string, properties: ReadonlyMap<string, string>): string {
  let filled = text;
  for (let round = 0; round < 5 && filled.includes('${'); round += 1) {
    filled = filled.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => properties.get(name) ?? whole);
    if (filled.length > 1000) break;
  }
  return filled.trim();
}

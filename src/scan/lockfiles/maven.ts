/**
 * Java: pom.xml, the direct dependencies with what the file and its parents in the same source say of their versions. Parents and BOMs that
 * only a repository has are not fetched: what depends on them is warned about.
 */
import { SaxesParser } from 'saxes';
import type { DependencyScope } from '../../core/component.ts';
import { beside, locked, type LockFileReader, type OtherFiles } from './lock-file.ts';

interface PomDependency {
  groupId: string;
  artifactId: string;
  version: string;
  scope: string;
  optional: string;
}

interface Pom {
  /** Of the project itself and its parent element, as `project.version`, `parent.groupId`, `parent.relativePath` ... */
  own: Map<string, string>;
  properties: Map<string, string>;
  dependencies: PomDependency[];
  managed: PomDependency[];
}

const MAX_PARENTS = 20;

export const pomXml: LockFileReader = {
  name: 'pom.xml',
  matches: (base) => base === 'pom.xml',
  read: (text, path, others) => {
    const chain = withParents(readPom(text), path, others);
    const properties = propertiesOf(chain);
    const managed = new Map<string, PomDependency>();
    for (const pom of chain.toReversed()) for (const one of pom.managed) managed.set(`${fill(one.groupId, properties)}:${fill(one.artifactId, properties)}`, one);
    const siblings = ownArtifacts(others);
    const warnings: string[] = [];
    const components = distinct(chain.flatMap((pom) => pom.dependencies), properties).flatMap((dependency) => {
      const { groupId, artifactId } = dependency;
      const rule = managed.get(`${groupId}:${artifactId}`);
      if (siblings.has(`${groupId}:${artifactId}`)) return []; // another module of the same source
      const version = exact(fill(dependency.version === '' ? (rule?.version ?? '') : dependency.version, properties));
      if (version === null) warnings.push(`the version of ${groupId}:${artifactId} does not stand in the source`);
      const scope = scopeOf(dependency.scope === '' ? (rule?.scope ?? '') : dependency.scope, dependency.optional);
      return version === null ? [] : [locked({ type: 'maven', namespace: groupId, name: artifactId, version, direct: true, scope, path })];
    });
    return { components, warnings };
  },
};

function scopeOf(scope: string, optional: string): DependencyScope {
  if (scope === 'test') return 'dev';
  if (scope === 'provided' || scope === 'system') return 'excluded';
  return optional === 'true' ? 'optional' : 'required';
}

/** `[1.2.3]` is 1.2.3; null for ranges and what stayed open. */
function exact(version: string): string | null {
  const plain = /^\[([^,[\]]+)\]$/.exec(version)?.[1] ?? version;
  return plain === '' || /[${}[\](),\s]/.test(plain) ? null : plain;
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

/** The file and its parents in the source, nearest first; a file that is not the parent that is named ends the chain. */
function withParents(pom: Pom, path: string, others: OtherFiles): Pom[] {
  const chain = [pom];
  let place = path;
  for (let child = pom; chain.length < MAX_PARENTS; ) {
    const wanted = child.own.get('parent.artifactId');
    if (wanted === undefined) break;
    const relative = child.own.get('parent.relativePath') ?? '../pom.xml';
    const target = relative === '' ? null : beside(place, relative.endsWith('.xml') ? relative : `${relative}/pom.xml`);
    const parent = target === null ? null : tryRead(others.text(target));
    if (target === null || parent === null || parent.own.get('project.artifactId') !== wanted || target === place) break;
    chain.push(parent);
    [child, place] = [parent, target];
  }
  return chain;
}

function propertiesOf(chain: readonly Pom[]): Map<string, string> {
  const merged = new Map<string, string>();
  for (const pom of chain.toReversed()) for (const [name, value] of pom.properties) merged.set(name, value);
  const nearest = (name: string): string | undefined => chain.flatMap(({ own }) => [own.get(`project.${name}`), own.get(`parent.${name}`)]).find((value) => value !== undefined);
  for (const name of ['groupId', 'version']) {
    const value = nearest(name);
    if (value !== undefined) for (const prefix of ['project.', 'pom.', '']) merged.set(`${prefix}${name}`, value);
    const ofParent = chain[0]?.own.get(`parent.${name}`);
    if (ofParent !== undefined) merged.set(`project.parent.${name}`, ofParent).set(`parent.${name}`, ofParent);
  }
  return merged;
}

/** Coordinates of all modules of the source; found once for each source. */
const artifacts = new WeakMap<OtherFiles, Set<string>>();
function ownArtifacts(others: OtherFiles): Set<string> {
  const known = artifacts.get(others);
  if (known !== undefined) return known;
  const own = new Set(others.paths.filter((path) => path === 'pom.xml' || path.endsWith('/pom.xml')).flatMap((path) => {
    const pom = tryRead(others.text(path));
    return pom === null ? [] : [`${pom.own.get('project.groupId') ?? pom.own.get('parent.groupId') ?? ''}:${pom.own.get('project.artifactId') ?? ''}`];
  }));
  artifacts.set(others, own);
  return own;
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

function tryRead(text: string | null): Pom | null {
  try {
    return text === null ? null : readPom(text);
  } catch {
    return null; // it is warned about where it is read for itself
  }
}

function readPom(text: string): Pom {
  const pom: Pom = { own: new Map(), properties: new Map(), dependencies: [], managed: [] };
  const parser = new SaxesParser();
  const path: string[] = [];
  let content = '';
  let draft: PomDependency = { groupId: '', artifactId: '', version: '', scope: '', optional: '' };
  parser.on('error', (error) => { throw new Error(error.message); });
  parser.on('doctype', () => { throw new Error('it has a DTD'); });
  parser.on('opentag', ({ name }) => {
    path.push(name);
    content = '';
    if (path.length > 100) throw new Error('it is nested too deep');
    if (name === 'dependency') draft = { groupId: '', artifactId: '', version: '', scope: '', optional: '' };
  });
  parser.on('text', (piece) => { content += piece; });
  parser.on('closetag', ({ name }) => {
    const place = path.join('/');
    const value = content.trim();
    content = '';
    path.pop();
    if (place === `project/properties/${name}`) pom.properties.set(name, value);
    else if (/^project\/(?:version|groupId|artifactId)$/.test(place)) pom.own.set(`project.${name}`, value);
    else if (/^project\/parent\/\w+$/.test(place)) pom.own.set(`parent.${name}`, value);
    else if (/^project\/(?:dependencyManagement\/)?dependencies\/dependency\/\w+$/.test(place) && Object.hasOwn(draft, name)) Object.assign(draft, { [name]: value });
    else if (place === 'project/dependencies/dependency') pom.dependencies.push(draft);
    else if (place === 'project/dependencyManagement/dependencies/dependency') pom.managed.push(draft);
  });
  parser.write(text).close();
  return pom;
}

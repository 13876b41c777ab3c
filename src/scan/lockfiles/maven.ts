/** Java: pom.xml (direct dependencies whose versions stand in the file) and gradle.lockfile. */
import { SaxesParser } from 'saxes';
import type { DependencyScope } from '../../core/component.ts';
import { locked, type LockFileReader } from './lock-file.ts';

interface PomDependency {
  groupId: string;
  artifactId: string;
  version: string;
  scope: string;
  optional: string;
}

interface Pom {
  properties: Map<string, string>;
  dependencies: PomDependency[];
  managed: Map<string, string>;
}

export const pomXml: LockFileReader = {
  name: 'pom.xml',
  matches: (base) => base === 'pom.xml',
  read: (text, path) => {
    const pom = readPom(text);
    const warnings: string[] = [];
    const components = pom.dependencies.flatMap((dependency) => {
      const [groupId, artifactId] = [fill(dependency.groupId, pom.properties), fill(dependency.artifactId, pom.properties)];
      const version = fill(dependency.version === '' ? (pom.managed.get(`${groupId}:${artifactId}`) ?? '') : dependency.version, pom.properties);
      if (version === '' || /[${}[\](),]/.test(version)) {
        warnings.push(`the version of ${groupId}:${artifactId} does not stand in the file`);
        return [];
      }
      return [locked({ type: 'maven', namespace: groupId, name: artifactId, version, direct: true, scope: scopeOf(dependency), path })];
    });
    return { components, warnings };
  },
};

function scopeOf({ scope, optional }: PomDependency): DependencyScope {
  if (scope === 'test') return 'dev';
  if (scope === 'provided' || scope === 'system') return 'excluded';
  return optional === 'true' ? 'optional' : 'required';
}

/** `${name}` from the file's properties; what is not there stays. */
function fill(text: string, properties: ReadonlyMap<string, string>): string {
  let filled = text;
  for (let round = 0; round < 5 && filled.includes('${'); round += 1) {
    filled = filled.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => properties.get(name) ?? whole);
    if (filled.length > 1000) break;
  }
  return filled.trim();
}

function readPom(text: string): Pom {
  const pom: Pom = { properties: new Map(), dependencies: [], managed: new Map() };
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
    else if (place === `project/${name}` && (name === 'version' || name === 'groupId')) pom.properties.set(`project.${name}`, value);
    else if (place === `project/parent/${name}` && !pom.properties.has(`project.${name}`)) pom.properties.set(`project.${name}`, value).set(`project.parent.${name}`, value);
    else if (/^project\/(?:dependencyManagement\/)?dependencies\/dependency\/\w+$/.test(place) && Object.hasOwn(draft, name)) Object.assign(draft, { [name]: value });
    else if (place === 'project/dependencies/dependency') pom.dependencies.push(draft);
    else if (place === 'project/dependencyManagement/dependencies/dependency') pom.managed.set(`${fill(draft.groupId, pom.properties)}:${fill(draft.artifactId, pom.properties)}`, draft.version);
  });
  parser.write(text).close();
  return pom;
}

export const gradleLock: LockFileReader = {
  name: 'gradle.lockfile',
  matches: (base) => base === 'gradle.lockfile' || base === 'buildscript-gradle.lockfile',
  read: (text, path) => ({
    components: text.split(/\r?\n/).flatMap((line) => {
      const [, namespace, name, version, configurations] = /^([^#:=\s]+):([^:=\s]+):([^=\s]+)=(.*)$/.exec(line) ?? [];
      if (namespace === undefined || name === undefined || version === undefined) return [];
      const isTest = (configurations ?? '').split(',').every((one) => /^test|Test/.test(one));
      return [locked({ type: 'maven', namespace, name, version, direct: null, scope: isTest ? 'dev' : 'required', path })];
    }),
    warnings: [],
  }),
};

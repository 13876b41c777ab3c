/** A pom.xml by itself: what of it counts for versions and dependencies. DTDs are refused. */
import { SaxesParser } from 'saxes';

export interface PomDependency {
  groupId: string;
  artifactId: string;
  version: string;
  scope: string;
  optional: string;
}

export interface Pom {
  /** Of the project itself and its parent element, as `project.version`, `parent.groupId`, `parent.relativePath` ... */
  own: Map<string, string>;
  properties: Map<string, string>;
  dependencies: PomDependency[];
  managed: PomDependency[];
}

/** Throws an Error in words where the text is no such file. */
export function readPom(text: string): Pom {
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

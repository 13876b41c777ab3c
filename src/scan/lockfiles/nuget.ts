/** .NET: packages.lock.json; without it project files with central versions (Directory.Packages.props), and packages.config. */
import { SaxesParser } from 'saxes';
import type { DetectedComponent } from '../../core/component.ts';
import { formatPurl } from '../../core/purl.ts';
import { beside, locked, parseJsonObject, record, remembered, textOf, type LockFileReader, type OtherFiles } from './lock-file.ts';

export const nugetLock: LockFileReader = {
  name: 'packages.lock.json',
  matches: (base) => base === 'packages.lock.json',
  read: (text, path) => {
    const frameworks = parseJsonObject(text)['dependencies'];
    if (frameworks === undefined) throw new Error('it has no dependencies');
    return { components: Object.values(record(frameworks)).flatMap((framework) => fromFramework(record(framework), path)), warnings: [] };
  },
};

/** Packages that one project leads to. */
const MAX_THROUGH = 1000;

/** Names do not depend on case; projects of the same solution (`type: Project`) are no packages, but lead to some. */
function fromFramework(entries: Record<string, unknown>, path: string): DetectedComponent[] {
  const found = new Map(Object.entries(entries).map(([name, value]) => [name.toLowerCase(), { name, entry: record(value) }]));
  const through = new Map<string, string[]>(); // of projects; empty while it is being found, since hostile files lead in circles
  const purls = (name: string): string[] => {
    const key = name.toLowerCase();
    const target = found.get(key);
    const version = textOf(target?.entry['resolved']);
    if (target === undefined) return [];
    if (version !== null) return [formatPurl({ type: 'nuget', namespace: null, name: target.name, version })];
    const known = through.get(key);
    if (known !== undefined) return known;
    through.set(key, []);
    const reached = [...new Set(Object.keys(record(target.entry['dependencies'])).flatMap((one) => purls(one)))].slice(0, MAX_THROUGH);
    through.set(key, reached);
    return reached;
  };
  return [...found.values()].flatMap(({ name, entry }) => {
    const version = textOf(entry['resolved']);
    if (version === null) return [];
    const hash = textOf(entry['contentHash']);
    return [locked({
      type: 'nuget', name, version, direct: entry['type'] === 'Direct', hashes: hash === null ? {} : { 'SHA-512': Buffer.from(hash, 'base64').toString('hex') },
      dependsOn: Object.keys(record(entry['dependencies'])).flatMap((one) => purls(one)), path,
    })];
  });
}

interface Element {
  name: string;
  /** Attributes, and children that hold only text. */
  values: Map<string, string>;
}

/** Elements of one kind, with what MSBuild allows as an attribute or as a child: Version, PrivateAssets. */
function elementsOf(text: string, names: readonly string[]): { elements: Element[]; properties: Map<string, string> } {
  const elements: Element[] = [];
  const properties = new Map<string, string>();
  const open: string[] = [];
  let current: Element | null = null;
  let content = '';
  const parser = new SaxesParser();
  parser.on('error', (error) => { throw new Error(error.message); });
  parser.on('doctype', () => { throw new Error('it has a DTD'); });
  parser.on('opentag', ({ name, attributes }) => {
    open.push(name);
    if (open.length > 100) throw new Error('it is nested too deep');
    content = '';
    if (names.includes(name)) elements.push(current = { name, values: new Map(Object.entries(attributes)) });
  });
  parser.on('text', (piece) => { content += piece; });
  parser.on('closetag', ({ name }) => {
    open.pop();
    if (current !== null && current.name === open.at(-1)) current.values.set(name, content.trim());
    if (open.at(-1) === 'PropertyGroup') properties.set(name, content.trim());
    if (current?.name === name) current = null;
    content = '';
  });
  parser.write(text).close();
  return { elements, properties };
}

const CENTRAL = 'Directory.Packages.props';

/** Only the packages that the project names; a version is the lowest one that NuGet may take, which is the one it does take where it is there. */
export const nugetProject: LockFileReader = {
  name: 'a .NET project file',
  matches: (base) => /\.(?:cs|fs|vb)proj$/.test(base),
  companion: (base) => base === CENTRAL,
  read: (text, path, others) => {
    if (others.text(beside(path, 'packages.lock.json') ?? '') !== null) return { components: [], warnings: [] };
    const { elements, properties } = elementsOf(text, ['PackageReference']);
    const central = centralVersions(path, others);
    const unknown: string[] = [];
    const components = elements.flatMap(({ values }) => {
      const name = values.get('Include');
      if (name === undefined) return [];
      const stated = values.get('VersionOverride') ?? values.get('Version') ?? central.get(name.toLowerCase()) ?? '';
      const version = exactVersion(stated.replaceAll(/\$\((\w+)\)/g, (whole, property: string) => properties.get(property) ?? whole));
      if (version === null) unknown.push(name.slice(0, 80));
      return version === null ? [] : [locked({ type: 'nuget', name, version, direct: true, scope: /\ball\b/i.test(values.get('PrivateAssets') ?? '') ? 'dev' : 'required', path })];
    });
    return { components, warnings: unknown.length === 0 ? [] : [`${unknown.length} packages without one version were passed over: ${unknown.slice(0, 5).join(', ')}`] };
  },
};

/** `1.2.3` and `[1.2.3]`; null for ranges, wildcards and what is not in the file. */
function exactVersion(text: string): string | null {
  return /^\[?\s*(\d[\w.+-]*)\s*\]?$/.exec(text.trim())?.[1] ?? null;
}

const centralFile = remembered((text) => elementsOf(text, ['PackageVersion', 'GlobalPackageReference']));

/** The nearest Directory.Packages.props, going up. */
function centralVersions(path: string, others: OtherFiles): Map<string, string> {
  for (let place = beside(path, CENTRAL); place !== null; place = beside(place, `../${CENTRAL}`)) {
    const found = centralFile(others, place);
    if (found === null) continue;
    const { elements, properties } = found;
    return new Map(elements.map(({ values }) => [(values.get('Include') ?? '').toLowerCase(), (values.get('Version') ?? '').replaceAll(/\$\((\w+)\)/g, (whole, property: string) => properties.get(property) ?? whole)]));
  }
  return new Map();
}

export const packagesConfig: LockFileReader = {
  name: 'packages.config',
  matches: (base) => base === 'packages.config',
  read: (text, path) => ({
    components: elementsOf(text, ['package']).elements.flatMap(({ values }) => {
      const [name, version] = [values.get('id'), values.get('version')];
      return name === undefined || version === undefined ? [] : [locked({ type: 'nuget', name, version, direct: null, scope: values.get('developmentDependency') === 'true' ? 'dev' : 'required', path })];
    }),
    warnings: [],
  }),
};

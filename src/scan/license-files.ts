/** Licence files of a source tree: which files they are, whose they are, and what they say. */
import { createHash } from 'node:crypto';
import type { DetectedComponent, DetectedLicense } from '../core/component.ts';
import { licensesInText, MAX_TEXT, spdxTags } from './license-texts.ts';

const NAME = /^(?:(?:un)?licen[sc]es?|copying|copyright)(?:[-._ ][\w.+-]{1,40})?$|^[\w.+-]{1,40}[-._]licen[sc]e(?:\.(?:txt|md|rst))?$/i;
/** Endings of code and data, which may be about licences and are none. */
const CODE = /\.(?:[cm]?[jt]sx?|json|ya?ml|xml|py|pyc|go|java|class|kt|rb|php|rs|c|cc|cpp|h|hpp|cs|swift|sh|map|css|scss|lock|toml|png|svg|snap|d\.ts)$/i;
const MAX_FILES = 10_000;

/** `LICENSE`, `COPYING.LESSER`, `LICENSE-MIT`, `mit-license.txt`, and what REUSE keeps in `LICENSES/`. */
export function isLicenseFile(path: string): boolean {
  if (/(?:^|\/)\.git\//.test(path)) return false;
  const base = path.slice(path.lastIndexOf('/') + 1);
  return (NAME.test(base) && !CODE.test(base)) || /(?:^|\/)LICENSES\/[\w.+-]+\.txt$/.test(path);
}

export interface LicenseFindings {
  /** What the licence files at the root say: the licence of the scanned source itself. */
  own: DetectedLicense | null;
  /** By package URL. */
  components: ReadonlyMap<string, DetectedLicense>;
}

/** Reads the licence files among the files; each content once. @param components of the same source */
export function findLicenses(files: readonly { path: string; data: Uint8Array }[], components: readonly DetectedComponent[]): LicenseFindings {
  const read = new Map<string, readonly string[]>();
  const owners = ownersOf(components);
  const root = rootOf(files.map(({ path }) => path));
  const found = new Map<string, { path: string; expressions: Set<string> }>();
  for (const { path, data } of files.filter((file) => isLicenseFile(file.path) && file.data.length <= MAX_TEXT).slice(0, MAX_FILES)) {
    const owner = ownerOf(path, root, owners);
    if (owner === null) continue;
    const key = createHash('sha1').update(data).digest('base64');
    const expressions = read.get(key) ?? expressionsIn(new TextDecoder('utf-8').decode(data));
    read.set(key, expressions);
    if (expressions.length === 0) continue;
    const known = found.get(owner) ?? { path, expressions: new Set<string>() };
    for (const expression of expressions) known.expressions.add(expression);
    found.set(owner, known);
  }
  const licenses = new Map([...found].map(([owner, { path, expressions }]): [string, DetectedLicense] => [owner, { expression: [...expressions].sort().map((one) => (/ OR /i.test(one) && expressions.size > 1 ? `(${one})` : one)).join(' AND '), path }]));
  const own = licenses.get(ROOT) ?? null;
  licenses.delete(ROOT);
  return { own, components: licenses };
}

/** A tag says it outright; without one the text has to. */
function expressionsIn(text: string): readonly string[] {
  const tags = spdxTags(text);
  return tags.length > 0 ? tags : licensesInText(text);
}

const ROOT = '';

/** The folder that everything is in, with its slash: archives of code hosts have one on top. */
function rootOf(paths: readonly string[]): string {
  const [first] = paths;
  const top = first?.slice(0, first.indexOf('/') + 1) ?? '';
  return top !== '' && paths.every((path) => path.startsWith(top)) && !/^(?:node_modules|vendor)\/$/.test(top) ? top : '';
}

interface Owners {
  /** Package URLs by `type name`, the name in lower case with its namespace. */
  byName: ReadonlyMap<string, readonly string[]>;
  /** Package URLs by `type name version`. */
  byVersion: ReadonlyMap<string, string>;
}

function ownersOf(components: readonly DetectedComponent[]): Owners {
  const byName = new Map<string, string[]>();
  const byVersion = new Map<string, string>();
  for (const { purl, namespace, name, version } of components) {
    const type = /^pkg:([^/]+)\//.exec(purl)?.[1] ?? '';
    const key = `${type} ${namespace === null ? '' : `${namespace}/`}${name}`.toLowerCase();
    byName.set(key, [...(byName.get(key) ?? []), purl]);
    byVersion.set(`${key} ${version}`, purl);
  }
  return { byName, byVersion };
}

/** The package URL whose folder the file is in, ROOT, or null. A package of which there are several versions is nobody's: its folder does not say which. */
function ownerOf(path: string, root: string, { byName, byVersion }: Owners): string | null {
  const only = (key: string): string | undefined => {
    const purls = byName.get(key.toLowerCase());
    return purls?.length === 1 ? purls[0] : undefined;
  };
  const [, npm] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?:LICENSES\/)?[^/]+$/.exec(path) ?? [];
  if (npm !== undefined) return only(`npm ${npm}`) ?? null;
  const [, vendored] = /(?:^|\/)vendor\/(.+)\/[^/]+$/.exec(path) ?? [];
  if (vendored !== undefined) return only(`golang ${vendored}`) ?? only(`composer ${vendored}`) ?? null;
  const [, python, version] = /(?:^|\/)([\w.]+)-([\w.!+]+)\.dist-info\/(?:licenses\/)?[^/]+$/.exec(path) ?? [];
  if (python !== undefined) return byVersion.get(`pypi ${python.replaceAll(/[-_.]+/g, '-')} ${version ?? ''}`.toLowerCase()) ?? null;
  return /^(?:LICENSES\/)?[^/]+$/.test(path.slice(root.length)) && path.startsWith(root) ? ROOT : null;
}

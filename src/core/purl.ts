/** Package URLs (purl specification): parsed and built in canonical form. Hand-written: it runs for each of 100,000 components. */

export interface Purl {
  /** Lower-case. */
  type: string;
  namespace: string | null;
  name: string;
  version: string | null;
  /** By key, sorted; keys lower-case. */
  qualifiers: ReadonlyMap<string, string>;
  subpath: string | null;
}

const NO_QUALIFIERS: ReadonlyMap<string, string> = new Map();
const TYPE = /^[a-z][a-z0-9.+-]*$/;
/** Types whose namespace and name do not depend on case. */
const LOWER_CASE = new Set(['alpm', 'apk', 'bitbucket', 'bitnami', 'composer', 'deb', 'github', 'gitlab', 'golang', 'hex', 'luarocks', 'npm', 'oci', 'pub', 'pypi', 'rpm']);
/** Of those, the ones that are taken as they are written: old npm packages have upper-case names, and Go paths matter to their proxy. */
const KEEP_CASE = new Set(['npm', 'golang']);
/** Those of which the namespace only does not. */
const KEEP_NAME = new Set(['rpm']);

/** Throws an Error that says what is wrong. */
export function parsePurl(text: string): Purl {
  if (!/^pkg:/i.test(text)) throw new Error('a package URL begins with "pkg:"');
  let rest = text.slice(4).replace(/^\/+/, '');
  const hash = rest.indexOf('#');
  const subpath = hash === -1 ? null : joinDecoded(rest.slice(hash + 1), (part) => part !== '.' && part !== '..');
  if (hash !== -1) rest = rest.slice(0, hash);
  const question = rest.indexOf('?');
  const qualifiers = question === -1 ? NO_QUALIFIERS : parseQualifiers(rest.slice(question + 1));
  if (question !== -1) rest = rest.slice(0, question);
  const slash = rest.indexOf('/');
  const type = rest.slice(0, Math.max(slash, 0)).toLowerCase();
  if (!TYPE.test(type)) throw new Error('the package URL has no type');
  rest = rest.slice(slash + 1);
  const at = versionSign(rest);
  const version = at === -1 ? null : decode(rest.slice(at + 1));
  if (at !== -1) rest = rest.slice(0, at);
  const path = rest.replace(/\/+$/, '');
  const last = path.lastIndexOf('/');
  const name = decode(path.slice(last + 1));
  if (name === '') throw new Error('the package URL has no name');
  const namespace = last === -1 ? null : joinDecoded(path.slice(0, last), () => true);
  return normalise({ type, namespace, name, version: version === '' ? null : version, qualifiers, subpath });
}

/** The `@` of the version: the last one, unless it opens a scope (`@scope/name`). */
function versionSign(rest: string): number {
  const at = rest.lastIndexOf('@');
  return at > 0 && rest.indexOf('/', at) === -1 ? at : -1;
}

function normalise(purl: Purl): Purl {
  if (!LOWER_CASE.has(purl.type) || KEEP_CASE.has(purl.type)) return purl;
  const name = KEEP_NAME.has(purl.type) ? purl.name : purl.name.toLowerCase();
  return { ...purl, namespace: purl.namespace?.toLowerCase() ?? null, name: purl.type === 'pypi' ? name.replaceAll('_', '-') : name };
}

/** The canonical text. */
export function formatPurl({ type, namespace, name, version, qualifiers = NO_QUALIFIERS, subpath = null }: Omit<Purl, 'qualifiers' | 'subpath'> & Partial<Pick<Purl, 'qualifiers' | 'subpath'>>): string {
  const parents = (namespace ?? '').split('/').filter((part) => part !== '');
  const space = parents.map((part) => `${encode(part)}/`).join('');
  const behind = version === null || version === '' ? '' : `@${encode(version)}`;
  const pairs = formatQualifiers(qualifiers);
  const path = subpath === null || subpath === '' ? '' : `#${subpath.split('/').map(encode).join('/')}`;
  return `pkg:${type}/${space}${encode(name)}${behind}${pairs === '' ? '' : `?${pairs}`}${path}`;
}

/** As behind the question mark of a package URL. */
export function formatQualifiers(qualifiers: ReadonlyMap<string, string>): string {
  return [...qualifiers].filter(([, value]) => value !== '').map(([key, value]) => `${key}=${encode(value).replaceAll('%2F', '/')}`).join('&');
}

/** Canonical form of a package URL as somebody wrote it. Throws as parsePurl does. */
export function canonicalPurl(text: string): string {
  return formatPurl(parsePurl(text));
}

/** What stands behind the question mark; sorted, without those that have no value. */
export function parseQualifiers(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('&').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0)).toLowerCase();
    const value = decode(pair.slice(equals + 1));
    return /^[a-z0-9._-]+$/.test(key) && value !== '' ? [[key, value]] : [];
  });
  return new Map(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function joinDecoded(path: string, keep: (part: string) => boolean): string | null {
  const joined = path.split('/').filter((part) => part !== '').map(decode).filter(keep).join('/');
  return joined === '' ? null : joined;
}

const PLAIN = /^[A-Za-z0-9._~:-]*$/;

/** Percent-encoding with the colon left as it is. */
function encode(text: string): string {
  return PLAIN.test(text) ? text : encodeURIComponent(text.toWellFormed()).replaceAll('%3A', ':').replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return text;
  }
  if (decoded.includes('\u0000')) throw new Error('the package URL holds a NUL character');
  return decoded;
}

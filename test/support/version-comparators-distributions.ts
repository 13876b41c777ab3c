/** The orders of dpkg, opam, RPM and apk, as their own loops over characters go. See version-comparators.ts. */

const isDigit = (char: string): boolean => char >= '0' && char <= '9';
const isLetter = (char: string): boolean => /^[A-Za-z]$/.test(char);
const weigh = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** dpkg's verrevcmp. */
function verrevcmp(a: string, b: string): number {
  const order = (char: string | undefined): number => (char === undefined || isDigit(char) ? 0 : isLetter(char) ? char.charCodeAt(0) : char === '~' ? -1 : char.charCodeAt(0) + 256);
  let [i, j] = [0, 0];
  const digitsFrom = (text: string, from: number): string => /^\d*/.exec(text.slice(from))?.[0] ?? '';
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a.charAt(i))) || (j < b.length && !isDigit(b.charAt(j)))) {
      const difference = order(a[i]) - order(b[j]);
      if (difference !== 0) return Math.sign(difference);
      i += 1;
      j += 1;
    }
    const [x, y] = [digitsFrom(a, i), digitsFrom(b, j)];
    const difference = weigh(BigInt(`0${x}`), BigInt(`0${y}`));
    if (difference !== 0) return difference;
    i += x.length;
    j += y.length;
  }
  return 0;
}

function upstreamAndRevision(text: string): [string, string] {
  const at = text.lastIndexOf('-');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export function compareOpam(a: string, b: string): number {
  const [[x, r], [y, s]] = [upstreamAndRevision(a), upstreamAndRevision(b)];
  return verrevcmp(x, y) || verrevcmp(r, s);
}

const epochAndRest = (text: string): [bigint, string] => (text.includes(':') ? [BigInt(text.slice(0, text.indexOf(':'))), text.slice(text.indexOf(':') + 1)] : [0n, text]);

export function compareDpkg(a: string, b: string): number {
  const [[e, x], [f, y]] = [epochAndRest(a), epochAndRest(b)];
  return weigh(e, f) || compareOpam(x, y);
}

/** rpmvercmp. */
function rpmvercmp(a: string, b: string): number {
  let [x, y] = [a, b];
  for (;;) {
    x = x.replace(/^[^A-Za-z0-9~^]+/, '');
    y = y.replace(/^[^A-Za-z0-9~^]+/, '');
    if (x.startsWith('~') || y.startsWith('~')) {
      if (!x.startsWith('~')) return 1;
      if (!y.startsWith('~')) return -1;
      [x, y] = [x.slice(1), y.slice(1)];
      continue;
    }
    if (x.startsWith('^') || y.startsWith('^')) {
      if (x === '') return -1;
      if (y === '') return 1;
      if (!x.startsWith('^')) return 1;
      if (!y.startsWith('^')) return -1;
      [x, y] = [x.slice(1), y.slice(1)];
      continue;
    }
    if (x === '' || y === '') return weigh(x.length === 0 ? 0 : 1, y.length === 0 ? 0 : 1);
    const numeric = isDigit(x.charAt(0));
    const run = numeric ? /^\d+/ : /^[A-Za-z]+/;
    const [one = '', two] = [run.exec(x)?.[0], run.exec(y)?.[0]];
    if (two === undefined) return numeric ? 1 : -1;
    const difference = numeric ? weigh(BigInt(one), BigInt(two)) : one < two ? -1 : one > two ? 1 : 0;
    if (difference !== 0) return difference;
    [x, y] = [x.slice(one.length), y.slice(two.length)];
  }
}

export function compareRpm(a: string, b: string): number {
  const [[e, x], [f, y]] = [epochAndRest(a), epochAndRest(b)];
  const [[v, r], [w, s]] = [upstreamAndRevision(x), upstreamAndRevision(y)];
  return weigh(e, f) || rpmvercmp(v, w) || rpmvercmp(r, s);
}

type Kind = 'first' | 'digits' | 'letter' | 'suffix' | 'suffixNumber' | 'hash' | 'revision' | 'end';
const KINDS: readonly Kind[] = ['first', 'digits', 'letter', 'suffix', 'suffixNumber', 'hash', 'revision', 'end'];
const SUFFIXES = ['alpha', 'beta', 'pre', 'rc', '', 'cvs', 'svn', 'git', 'hg', 'p'];
const PATTERNS: readonly [Kind, RegExp][] = [['digits', /^\.(\d+)/], ['letter', /^([a-z])/], ['suffix', /^_([a-z]+)/], ['suffixNumber', /^(\d+)/], ['hash', /^~([0-9a-f]+)/], ['revision', /^-r(\d+)/]];

function apkTokens(version: string): { kind: Kind; text: string }[] {
  const first = /^\d+/.exec(version)?.[0] ?? '';
  const tokens: { kind: Kind; text: string }[] = [{ kind: 'first', text: first }];
  for (let rest = version.slice(first.length); rest !== '';) {
    const [kind, match] = PATTERNS.map(([name, pattern]) => [name, pattern.exec(rest)] as const).find(([, found]) => found !== null) ?? [];
    if (kind === undefined || match === null || match === undefined) throw new Error(`${version} is no apk version`);
    tokens.push({ kind, text: match[1] ?? '' });
    rest = rest.slice(match[0].length);
  }
  return [...tokens, { kind: 'end', text: '' }];
}

/** apk-tools 3: apk_version_compare. */
export function compareApk(a: string, b: string): number {
  const [left, right] = [apkTokens(a), apkTokens(b)];
  for (let at = 0; ; at += 1) {
    const [x, y] = [left[at], right[at]];
    if (x === undefined || y === undefined) return 0;
    if (x.kind !== y.kind) {
      if (x.kind === 'suffix' && SUFFIXES.indexOf(x.text) < 4) return -1;
      if (y.kind === 'suffix' && SUFFIXES.indexOf(y.text) < 4) return 1;
      return weigh(KINDS.indexOf(y.kind), KINDS.indexOf(x.kind));
    }
    const asText = x.kind === 'letter' || x.kind === 'hash' || (x.kind === 'digits' && (x.text.startsWith('0') || y.text.startsWith('0')));
    const difference = x.kind === 'end' ? 0 : x.kind === 'suffix' ? weigh(SUFFIXES.indexOf(x.text), SUFFIXES.indexOf(y.text)) : asText ? (x.text < y.text ? -1 : x.text > y.text ? 1 : 0) : weigh(BigInt(x.text), BigInt(y.text));
    if (difference !== 0) return difference;
  }
}

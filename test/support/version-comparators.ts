/**
 * Each ecosystem's version order as its own tool compares: two texts at a time, step by step. Written from the tools' documentation and
 * behaviour without a look at src/advisories/versions, so that the two can be held against each other. Versions must be valid.
 */
import * as pep440 from '@renovatebot/pep440';
import semver from 'semver';
import { compareApk, compareDpkg, compareOpam, compareRpm } from './version-comparators-distributions.ts';
import { compareMaven } from './version-comparators-maven.ts';

export type Compare = (a: string, b: string) => number;

const bytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const numbers = (a: string, b: string): number => (BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0);
const isDigits = (text: string): boolean => /^\d+$/.test(text);

/** The first answer that is not 0, over pairs by place; `missing` answers for a place that only the first has. */
function byPlace<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number, missing: (x: T) => number): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const [x, y] = [a[at], b[at]];
    const answer = x === undefined ? (y === undefined ? 0 : -missing(y)) : y === undefined ? missing(x) : compare(x, y);
    if (answer !== 0) return Math.sign(answer);
  }
  return 0;
}
const LONGER_IS_GREATER = (): number => 1;

const compareSemver: Compare = (a, b) => semver.compare(a, b);
const compareGo: Compare = (a, b) => semver.compare(toolchain(a), toolchain(b));
const toolchain = (version: string): string => version.replace(/^go/, '').replace(/^(\d+\.\d+)(?=$|rc|beta)/, '$1.0').replace(/(rc|beta)(\d+)$/, '-$1.$2');

const identifier = (a: string, b: string): number => (isDigits(a) ? (isDigits(b) ? numbers(a, b) : -1) : isDigits(b) ? 1 : bytes(a, b));

/** pub_semver: Version.compareTo. */
const comparePub: Compare = (a, b) => {
  const precedence = semver.compare(a, b);
  if (precedence !== 0) return precedence;
  const build = (version: string): string[] => (version.includes('+') ? version.slice(version.indexOf('+') + 1).split('.') : []);
  return byPlace(build(a), build(b), identifier, LONGER_IS_GREATER);
};

/** NuGet.Versioning: VersionComparer. */
const compareNuget: Compare = (a, b) => {
  const split = (version: string): { numbers: string[]; labels: string[] } => {
    const [plain = ''] = version.replace(/^v/i, '').split('+');
    const hyphen = plain.indexOf('-');
    const digits = (hyphen === -1 ? plain : plain.slice(0, hyphen)).split('.');
    return { numbers: [...digits, '0', '0', '0'].slice(0, 4), labels: hyphen === -1 ? [] : plain.slice(hyphen + 1).split('.') };
  };
  const [x, y] = [split(a), split(b)];
  const order = byPlace(x.numbers, y.numbers, numbers, LONGER_IS_GREATER);
  if (order !== 0) return order;
  if (x.labels.length === 0 || y.labels.length === 0) return Math.sign(y.labels.length - x.labels.length);
  return byPlace(x.labels, y.labels, (left, right) => identifier(left.toUpperCase(), right.toUpperCase()), LONGER_IS_GREATER);
};

/** Gem::Version#<=>. */
const compareGem: Compare = (a, b) => {
  const segments = (version: string): (bigint | string)[] => {
    const all = [...version.replaceAll('-', '.pre.').matchAll(/[0-9]+|[a-z]+/gi)].map(([text]) => (isDigits(text) ? BigInt(text) : text));
    const start = all.findIndex((segment) => typeof segment === 'string');
    const head = start === -1 ? all : all.slice(0, start);
    const tail = start === -1 ? [] : all.slice(start);
    for (const list of [head, tail]) while (list.at(-1) === 0n) list.pop();
    return [...head, ...tail];
  };
  const order = (x: bigint | string, y: bigint | string): number => (typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === 'string' ? -1 : 1);
  return byPlace(segments(a), segments(b), order, (segment) => order(segment, 0n));
};

/** Composer's VersionParser::normalize for classical versions and numeric branches, then PHP's version_compare. */
const compareComposer: Compare = (a, b) => phpCompare(normalizeComposer(a), normalizeComposer(b));
function normalizeComposer(version: string): string {
  const plain = version.toLowerCase().replace(/^v/, '').replace(/\+.*$/, '');
  const branch = /^([\dx.]+?)[.-]?dev$/.exec(plain)?.[1];
  if (branch?.includes('x') === true) return `${[...branch.split('.'), 'x', 'x', 'x'].slice(0, 4).join('.').replaceAll('x', '9999999')}-dev`;
  const [, digits = '', rest = ''] = /^(\d+(?:\.\d+)*)(.*)$/.exec(plain) ?? [];
  const [, word = '', number = '', dev = ''] = /^[._-]?([a-z]*?)[.-]?([\d.-]*?)([.-]?dev)?$/.exec(rest) ?? [];
  const full = digits.length > 5 && !digits.includes('.') ? digits : [...digits.split('.'), '0', '0', '0'].slice(0, 4).join('.');
  const long: Record<string, string> = { a: 'alpha', b: 'beta', rc: 'RC', p: 'patch', pl: 'patch' };
  if (word === 'stable') return full;
  return `${full}${word === '' ? '' : `-${long[word] ?? word}${number}`}${dev === '' ? '' : '-dev'}`;
}
function phpCompare(a: string, b: string): number {
  const canonical = (version: string): string[] => version.replaceAll(/[-_+]/g, '.').replaceAll(/(\d)([^\d.])/g, '$1.$2').replaceAll(/([^\d.])(\d)/g, '$1.$2').split('.');
  const form = (part: string): number => ['dev', 'a', 'b', 'RC', '#', 'p'].findIndex((known) => part.startsWith(known));
  const part = (x: string, y: string): number => {
    if (isDigits(x) && isDigits(y)) return numbers(x, y);
    return form(isDigits(x) ? '#' : x) - form(isDigits(y) ? '#' : y);
  };
  return byPlace(canonical(a), canonical(b), part, (rest) => (isDigits(rest) ? 1 : part(rest, '#')));
}

/** Conan's Version and _VersionItem. */
const compareConan: Compare = (a, b) => {
  const [x, y] = [parseConan(a), parseConan(b)];
  const items = conanItems(x.items, y.items);
  if (items !== 0) return items;
  if ((x.pre === null) !== (y.pre === null)) return x.pre === null ? 1 : -1;
  const pre = x.pre === null || y.pre === null ? 0 : conanItems(x.pre, y.pre);
  if (pre !== 0) return pre;
  if ((x.build === null) !== (y.build === null)) return x.build === null ? -1 : 1;
  return x.build === null || y.build === null ? 0 : conanItems(x.build, y.build);
};
interface ConanVersion { items: string[]; pre: string[] | null; build: string[] | null }
function parseConan(version: string): ConanVersion {
  const list = (text: string): string[] => {
    const items = text.split('.').map((item) => (isDigits(item) ? String(BigInt(item)) : item));
    while (items.at(-1) === '0') items.pop();
    return items;
  };
  const [, rest = '', build] = /^(.*?)(?:\+([^+]*))?$/.exec(version) ?? [];
  const hyphen = rest.indexOf('-');
  return { items: list(hyphen === -1 ? rest : rest.slice(0, hyphen)), pre: hyphen === -1 ? null : list(rest.slice(hyphen + 1)), build: build === undefined ? null : list(build) };
}
const conanItems = (a: readonly string[], b: readonly string[]): number => byPlace(a, b, (x, y) => (isDigits(x) && isDigits(y) ? numbers(x, y) : bytes(x, y)), LONGER_IS_GREATER);

const compareNumbers: Compare = (a, b) => byPlace(a.split(/[.-]/), b.split(/[.-]/), numbers, LONGER_IS_GREATER);
const compareGhc: Compare = (a, b) => {
  const [[x = '', stage = 'release'], [y = '', other = 'release']] = [a.split(/-(.*)/), b.split(/-(.*)/)];
  const number = (text: string): string => /\d+$/.exec(text)?.[0] ?? '0';
  return compareNumbers(x, y) || bytes(stage.replace('release', 'zz').replace(/\d+$/, ''), other.replace('release', 'zz').replace(/\d+$/, '')) || numbers(number(stage), number(other));
};

export const COMPARATORS: Readonly<Record<string, Compare>> = {
  npm: compareSemver, 'crates.io': compareSemver, Hex: compareSemver, SwiftURL: compareSemver, 'GitHub Actions': compareSemver, Bitnami: compareSemver,
  Go: compareGo, Pub: comparePub, Julia: comparePub, NuGet: compareNuget, PyPI: (a, b) => Math.sign(pep440.compare(a, b)), Maven: compareMaven,
  RubyGems: compareGem, Packagist: compareComposer, ConanCenter: compareConan, CRAN: compareNumbers, Hackage: compareNumbers, GHC: compareGhc, opam: compareOpam,
  'Debian:12': compareDpkg, 'Ubuntu:22.04:LTS': compareDpkg, 'Red Hat:enterprise_linux:9': compareRpm, 'AlmaLinux:9': compareRpm, 'Alpine:v3.19': compareApk, Wolfi: compareApk,
};

/** How packages are called in OSV records and in package URLs, brought to one name to match by. */
import { distributionOf, sourceOf, type PackageName } from './distributions.ts';

export interface MatchCoordinates {
  /** OSV's name of the ecosystem, with the release of a distribution (`Debian:12`). */
  ecosystem: string;
  /** The package's name as it is compared. */
  matchName: string;
}

const ECOSYSTEM: ReadonlyMap<string, string> = new Map([
  ['npm', 'npm'], ['pypi', 'PyPI'], ['golang', 'Go'], ['maven', 'Maven'], ['cargo', 'crates.io'], ['gem', 'RubyGems'], ['composer', 'Packagist'], ['nuget', 'NuGet'], ['hex', 'Hex'],
  ['pub', 'Pub'], ['swift', 'SwiftURL'], ['github', 'GitHub Actions'], ['githubactions', 'GitHub Actions'], ['conan', 'ConanCenter'], ['bitnami', 'Bitnami'], ['cran', 'CRAN'],
  ['bioconductor', 'Bioconductor'], ['hackage', 'Hackage'], ['julia', 'Julia'], ['opam', 'opam'],
]);
/** The ecosystems in which a namespace is no part of a package's name. */
const NAME_ONLY: ReadonlySet<string> = new Set(['ConanCenter', 'Bitnami', 'CRAN', 'Bioconductor', 'Hackage', 'Julia', 'opam']);

/**
 * Coordinates of a package URL's package; null where OSV has no ecosystem for its type. A package of a distribution whose release is not
 * known is in an ecosystem without a release, which no record names.
 */
export function coordinatesOf(named: PackageName): MatchCoordinates | null {
  const found = findCoordinates(named);
  return found === null || Buffer.byteLength(found.matchName) > MAX_NAME_BYTES ? null : found;
}

/** No package has a longer name, and no version more characters; it bounds what indexes hold. */
const MAX_NAME_BYTES = 512;
const MAX_VERSION = 256;

function findCoordinates(named: PackageName): MatchCoordinates | null {
  const distribution = distributionOf(named);
  if (distribution !== null) return { ecosystem: distribution.ecosystem, matchName: matchName(distribution.ecosystem, sourceOf(named, distribution)?.name ?? named.name) };
  const ecosystem = ECOSYSTEM.get(named.type);
  return ecosystem === undefined ? null : { ecosystem, matchName: matchName(ecosystem, fullName(named, ecosystem)) };
}

/**
 * The version by which a package is matched, which is not the package URL's where a distribution's source package has one of its own, where
 * the epoch is a qualifier (trivy writes it so for Debian too), or where Debian built a package again without its source (`+b1`). The epoch
 * of a source RPM is not told: it is taken for its binary package's, which it is but for the few that set their own.
 */
export function matchVersion(named: PackageName & { version: string }): string {
  const distribution = distributionOf(named);
  if (distribution === null) return named.version;
  const source = sourceOf(named, distribution)?.version?.slice(0, MAX_VERSION);
  const version = source ?? (named.type === 'deb' ? named.version.replace(/\+b\d+$/, '') : named.version);
  const told = named.type === 'rpm' || (named.type === 'deb' && source === undefined) ? named.qualifiers?.get('epoch') : undefined;
  const epoch = told ?? (named.type === 'rpm' && source !== undefined ? /^(\d+):/.exec(named.version)?.[1] : undefined);
  return epoch === undefined || !/^\d{1,9}$/.test(epoch) || version === '' || version.includes(':') ? version : `${epoch}:${version}`;
}

function fullName({ type, namespace, name, subpath }: PackageName, ecosystem: string): string {
  if (namespace === '' || NAME_ONLY.has(ecosystem)) return withMajor(name, ecosystem, subpath);
  if (type === 'npm' && !namespace.startsWith('@')) return `@${namespace}/${name}`;
  return withMajor(`${namespace}${type === 'maven' ? ':' : '/'}${name}`, ecosystem, subpath);
}

/** Some tools write the major version of a Go module, a part of its path, as a subpath: `pkg:golang/example.com/m@v2.1.0#v2`. */
function withMajor(name: string, ecosystem: string, subpath: string | null | undefined): string {
  const major = ecosystem === 'Go' ? /^v(?:[2-9]|[1-9]\d+)(?=\/|$)/.exec(subpath ?? '')?.[0] : undefined;
  return major === undefined || /\/v\d+$/.test(name) ? name : `${name}/${major}`;
}

/**
 * The name as it is compared. PyPI: PEP 503. Go: package URLs are in lower case, module paths in advisories are not; the standard library
 * is `stdlib`. Swift: the repository without scheme and `.git`. GitHub Actions: the repository, without the path in it. Names of NuGet,
 * Packagist, Hex and Conan do not depend on case, and names of RPMs are in lower case in some package URLs; npm's and Maven's do depend.
 */
export function matchName(ecosystem: string, name: string): string {
  switch (ecosystem.split(':', 1)[0]) {
    case 'PyPI':
      return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
    case 'Go':
      return name === 'std' ? 'stdlib' : name.toLowerCase();
    case 'SwiftURL':
      return name.toLowerCase().replace(/^(?:[a-z+]+:\/\/)?(?:[^/@]*@)?/, '').replace(/^([^/:]+):(?!\d)/, '$1/').replace(/\/$/, '').replace(/\.git$/, '');
    case 'GitHub Actions':
      return name.toLowerCase().split('/').slice(0, 2).join('/');
    case 'NuGet':
    case 'Packagist':
    case 'Hex':
    case 'ConanCenter':
    case 'Bitnami':
    case 'Azure Linux':
    case 'Red Hat':
    case 'AlmaLinux':
    case 'Rocky Linux':
    case 'openSUSE':
    case 'SUSE':
    case 'Mageia':
    case 'openEuler':
    case 'Photon OS':
      return name.toLowerCase();
    default:
      return name;
  }
}

/**
 * The ecosystem as it is compared. Records name the products of one distribution release apart, package URLs do not: the streams of Red
 * Hat's releases (`Red Hat:enterprise_linux:9::appstream`) and the modules of SUSE's (`SUSE:Linux Enterprise Module for Basesystem 15
 * SP5`) are that release. The registry behind `Maven:` is left out: group ids are unique among them.
 */
export function matchEcosystem(ecosystem: string): string {
  if (ecosystem.startsWith('Maven:')) return 'Maven';
  const redHat = /^Red Hat:enterprise_linux:(\d+)(?:\.\d+)?(?:::|$)/.exec(ecosystem);
  if (redHat !== null) return `Red Hat:enterprise_linux:${redHat[1] ?? ''}`;
  const suse = /^SUSE:Linux Enterprise .*?(?<!\S)(\d\d)(?: (SP\d))?(?:-[A-Za-z]+)*$/.exec(ecosystem);
  return suse === null ? ecosystem : `SUSE:Linux Enterprise ${[suse[1], suse[2]].filter((part) => part !== undefined).join(' ')}`;
}

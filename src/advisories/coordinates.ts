/** How packages are called in OSV records and in package URLs, brought to one name to match by. */

export interface MatchCoordinates {
  /** OSV's name of the ecosystem. */
  ecosystem: string;
  /** The package's name as it is compared. */
  matchName: string;
}

const ECOSYSTEM: Readonly<Record<string, string>> = {
  npm: 'npm', pypi: 'PyPI', golang: 'Go', maven: 'Maven', cargo: 'crates.io', gem: 'RubyGems', composer: 'Packagist', nuget: 'NuGet', hex: 'Hex', pub: 'Pub',
};
/** Type of a package URL -> what joins namespace and name. */
const JOINER: Readonly<Record<string, string>> = { maven: ':' };

/** Coordinates of a package URL's package; null where OSV has no ecosystem for its type. */
export function coordinatesOf({ type, namespace, name }: { type: string; namespace: string; name: string }): MatchCoordinates | null {
  const ecosystem = ECOSYSTEM[type];
  if (ecosystem === undefined) return null;
  return { ecosystem, matchName: matchName(ecosystem, namespace === '' ? name : `${namespace}${JOINER[type] ?? '/'}${name}`) };
}

/**
 * The name as it is compared. PyPI: PEP 503. Go: package URLs are in lower case, module paths in advisories are not; the standard library
 * is `stdlib`. NuGet, Packagist and Hex names do not depend on case; npm's and Maven's do.
 */
export function matchName(ecosystem: string, name: string): string {
  switch (ecosystem) {
    case 'PyPI':
      return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
    case 'Go':
      return name === 'std' ? 'stdlib' : name.toLowerCase();
    case 'NuGet':
    case 'Packagist':
    case 'Hex':
      return name.toLowerCase();
    default:
      return name;
  }
}

/** Which version order each OSV ecosystem has. Ecosystems that are not here are matched by their lists of versions. */
import { apkKey } from './apk.ts';
import { composerKey } from './composer.ts';
import { conanKey } from './conan.ts';
import { dpkgKey, opamKey } from './dpkg.ts';
import { gemKey } from './gem.ts';
import type { KeyOf } from './key.ts';
import { mavenKey } from './maven.ts';
import { ghcKey, hackageKey, rKey } from './numbers.ts';
import { pep440Key } from './pep440.ts';
import { rpmKey } from './rpm.ts';
import { goKey, nugetKey, semverBuildKey, semverKey } from './semver.ts';

const ORDERS: ReadonlyMap<string, KeyOf> = new Map([
  ['npm', semverKey], ['crates.io', semverKey], ['Hex', semverKey], ['SwiftURL', semverKey], ['GitHub Actions', semverKey], ['Bitnami', semverKey], ['VSCode', semverKey],
  ['Pub', semverBuildKey], ['Julia', semverBuildKey],
  ['Go', goKey], ['NuGet', nugetKey], ['PyPI', pep440Key], ['Maven', mavenKey], ['RubyGems', gemKey], ['Packagist', composerKey], ['ConanCenter', conanKey],
  ['CRAN', rKey], ['Bioconductor', rKey], ['Hackage', hackageKey], ['GHC', ghcKey], ['opam', opamKey],
  ['Debian', dpkgKey], ['Ubuntu', dpkgKey], ['Echo', dpkgKey],
  ['Red Hat', rpmKey], ['AlmaLinux', rpmKey], ['Rocky Linux', rpmKey], ['openSUSE', rpmKey], ['SUSE', rpmKey], ['Mageia', rpmKey], ['openEuler', rpmKey], ['Photon OS', rpmKey], ['Azure Linux', rpmKey],
  ['Alpine', apkKey], ['Chainguard', apkKey], ['Wolfi', apkKey], ['MinimOS', apkKey], ['Alpaquita', apkKey], ['BellSoft Hardened Containers', apkKey],
]);

/** A release of a distribution, or a registry, stands behind a colon (`Debian:12`); all of an ecosystem have one order. */
const orderOf = (ecosystem: string): KeyOf | undefined => ORDERS.get(ecosystem.split(':', 1)[0] ?? '');

/** Sortable key of a version; null where the ecosystem's order is not known here, or the text is no version in it. */
export function versionKey(ecosystem: string | null, version: string): Buffer | null {
  const keyOf = ecosystem === null ? undefined : orderOf(ecosystem);
  try {
    return keyOf === undefined || version === '' ? null : keyOf(version);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export const hasOrder = (ecosystem: string): boolean => orderOf(ecosystem) !== undefined;

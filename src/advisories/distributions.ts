/**
 * Packages of Linux distributions: which OSV ecosystem the qualifiers of a package URL name, and which source package. The tools agree
 * on `distro`, but not on how to write it: `debian-12`, `bookworm`, `alpine-3.19.1`, `3.19.1`, `rhel-9.4`, `opensuse.leap-15.5` ...
 * A release that is not told, or is another distribution's, is none: no match is better than a wrong one.
 */

/** Of a package URL, decoded; the namespace is empty where there is none. */
export interface PackageName {
  type: string;
  namespace: string;
  name: string;
  /** `distro`, `upstream` and `epoch` of packages of distributions count. */
  qualifiers?: ReadonlyMap<string, string> | undefined;
  /** Of Go modules, `v2` counts. */
  subpath?: string | null | undefined;
}

export interface Distribution {
  /** With its release where that is known. */
  ecosystem: string;
  /** Its records name source packages rather than binary ones. */
  bySource: boolean;
}

interface Family {
  ecosystem: string;
  bySource: boolean;
  /** How its own name begins in `distro`, where that has one. */
  called: RegExp;
  /** What stands behind the ecosystem's colon; null where the text does not tell. */
  release: (distro: string) => string | null;
}

const DEBIAN: ReadonlyMap<string, string> = new Map([
  ['squeeze', '6'], ['wheezy', '7'], ['jessie', '8'], ['stretch', '9'], ['buster', '10'], ['bullseye', '11'], ['bookworm', '12'], ['trixie', '13'], ['forky', '14'],
]);
const UBUNTU: ReadonlyMap<string, string> = new Map([
  ['trusty', '14.04'], ['xenial', '16.04'], ['bionic', '18.04'], ['focal', '20.04'], ['jammy', '22.04'], ['mantic', '23.10'], ['noble', '24.04'], ['oracular', '24.10'], ['plucky', '25.04'], ['questing', '25.10'],
]);

const first = (pattern: RegExp, text: string): string | null => pattern.exec(text)?.[1] ?? null;
const codename = (names: ReadonlyMap<string, string>, distro: string): string | null => names.get(distro.replace(/^[a-z]+-/, '')) ?? null;
const major = (distro: string): string | null => first(/(?:^|-)(\d+)(?:\.\d+)*$/, distro);
const none = (): null => null;

/** @param names package URL namespaces */
function family(names: readonly string[], type: string, rest: Family): [string, Family][] {
  return names.map((name) => [`${type}/${name}`, rest]);
}

const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ...family(['debian'], 'deb', { ecosystem: 'Debian', bySource: true, called: /^debian/, release: (distro) => codename(DEBIAN, distro) ?? major(distro) }),
  ...family(['ubuntu'], 'deb', { ecosystem: 'Ubuntu', bySource: true, called: /^ubuntu/, release: ubuntu }),
  ...family(['echo'], 'deb', { ecosystem: 'Echo', bySource: true, called: /^echo/, release: none }),
  ...family(['alpine'], 'apk', { ecosystem: 'Alpine', bySource: true, called: /^alpine/, release: alpine }),
  ...family(['wolfi'], 'apk', { ecosystem: 'Wolfi', bySource: true, called: /^wolfi/, release: none }),
  ...family(['chainguard'], 'apk', { ecosystem: 'Chainguard', bySource: true, called: /^chainguard/, release: none }),
  ...family(['minimos'], 'apk', { ecosystem: 'MinimOS', bySource: true, called: /^minimos/, release: none }),
  ...family(['alpaquita'], 'apk', { ecosystem: 'Alpaquita', bySource: true, called: /^alpaquita/, release: (distro) => first(/(?:^|-)(\d+|stream)(?:\.\d+)*$/, distro) }),
  ...family(['redhat', 'rhel'], 'rpm', { ecosystem: 'Red Hat', bySource: false, called: /^(?:rhel|red ?hat)/, release: redHat }),
  ...family(['almalinux', 'alma'], 'rpm', { ecosystem: 'AlmaLinux', bySource: false, called: /^alma/, release: major }),
  ...family(['rocky', 'rockylinux', 'rocky-linux'], 'rpm', { ecosystem: 'Rocky Linux', bySource: true, called: /^rocky/, release: major }),
  ...family(['opensuse'], 'rpm', { ecosystem: 'openSUSE', bySource: true, called: /^opensuse/, release: openSuse }),
  ...family(['suse', 'sles'], 'rpm', { ecosystem: 'SUSE', bySource: true, called: /^(?:sle[sd]|suse)/, release: suse }),
  ...family(['mageia'], 'rpm', { ecosystem: 'Mageia', bySource: true, called: /^mageia/, release: major }),
  ...family(['openeuler'], 'rpm', { ecosystem: 'openEuler', bySource: true, called: /^openeuler/, release: openEuler }),
  ...family(['photon'], 'rpm', { ecosystem: 'Photon OS', bySource: false, called: /^photon/, release: (distro) => first(/(?:^|[- ])(\d+\.\d+)$/, distro) }),
  ...family(['azurelinux', 'mariner', 'cbl-mariner'], 'rpm', { ecosystem: 'Azure Linux', bySource: true, called: /^(?:azurelinux|azure ?linux|(?:cbl-)?mariner)/, release: major }),
]);

/** Null for packages of no distribution that OSV knows. */
export function distributionOf({ type, namespace, qualifiers }: PackageName): Distribution | null {
  const distro = (qualifiers?.get('distro') ?? '').toLowerCase();
  const [vendor = ''] = namespace.toLowerCase().split('/');
  // Trivy writes openSUSE's packages under `suse` or `opensuse.leap`; who built a package tells less than what it was installed on.
  const found = FAMILIES.get(`${type}/${/^(?:sles|suse|opensuse)/.exec(distro)?.[0] ?? vendor.split('.', 1)[0] ?? ''}`) ?? FAMILIES.get(`${type}/${vendor}`);
  if (found === undefined) return null;
  const release = releaseOf(found, distro);
  return { ecosystem: release === null ? found.ecosystem : `${found.ecosystem}:${release}`, bySource: found.bySource };
}

/** `distro` may be the bare release or its code name; a name in it must be the distribution's own: `raspbian-11` is not Debian 11. */
function releaseOf({ called, release }: Family, distro: string): string | null {
  const named = /^[a-z]{2}/.test(distro) && codename(DEBIAN, distro) === null && codename(UBUNTU, distro) === null && !/^(?:edge|stream|leap|tumbleweed)/.test(distro);
  return named && !called.test(distro) ? null : release(distro);
}

/**
 * The source package, where the records name those and it is told as `upstream`: `openssl`, `gcc-12@12.2.0-14`, or an RPM's file name
 * `openssl-3.0.7-16.el9.src.rpm`. Its version is undefined where it is not told.
 */
export function sourceOf({ type, qualifiers }: PackageName, { bySource }: Distribution): { name: string; version: string | undefined } | null {
  const upstream = bySource ? qualifiers?.get('upstream') : undefined;
  if (upstream === undefined || upstream === '') return null;
  if (type === 'rpm') {
    const [, name = upstream, version] = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(upstream) ?? [];
    return { name, version };
  }
  const at = upstream.indexOf('@');
  return at < 1 ? { name: upstream, version: undefined } : { name: upstream.slice(0, at), version: upstream.slice(at + 1) };
}

/** `22.04:LTS`: April of even years. */
function ubuntu(distro: string): string | null {
  const release = codename(UBUNTU, distro) ?? first(/(?:^|-)(\d\d\.\d\d)(?:\.\d+)?$/, distro);
  return release !== null && /^\d[02468]\.04$/.test(release) ? `${release}:LTS` : release;
}

function alpine(distro: string): string | null {
  const release = first(/(?:^|-)v?(\d+\.\d+)(?:[._].*)?$/, distro);
  return release === null ? first(/(?:^|-)(edge)$/, distro) : `v${release}`;
}

/** As matchEcosystem makes of the streams of a release. */
function redHat(distro: string): string | null {
  const release = major(distro);
  return release === null ? null : `enterprise_linux:${release}`;
}

function openSuse(distro: string): string | null {
  if (distro.includes('tumbleweed')) return 'Tumbleweed';
  const leap = first(/leap[-.]?(\d+\.\d+)/, distro) ?? first(/^opensuse-(\d+\.\d+)$/, distro);
  return leap === null ? null : `Leap ${leap}`;
}

/** As matchEcosystem makes of the modules of a service pack. */
function suse(distro: string): string | null {
  const [, release, pack] = /(?:^|-)(\d\d)(?:(?:\.|-sp)(\d))?$/.exec(distro) ?? [];
  return release === undefined ? null : `Linux Enterprise ${release}${pack === undefined || pack === '0' ? '' : ` SP${pack}`}`;
}

/** `22.03-LTS-SP3`; March releases of even years are the long-term ones. */
function openEuler(distro: string): string | null {
  const [, release, tail = ''] = /(?:^|-)(\d\d\.\d\d)((?:-(?:lts|sp\d))*)$/.exec(distro) ?? [];
  if (release === undefined) return null;
  return `${release}${tail === '' && /^\d[02468]\.03$/.test(release) ? '-LTS' : tail.toUpperCase()}`;
}

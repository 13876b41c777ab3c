/**
 * Packages of Linux distributions: which OSV ecosystem the qualifiers of a package URL name, and which source package. The tools agree
 * on `distro`, but not on how to write it: `debian-12`, `bookworm`, `alpine-3.19.1`, `3.19.1`, `rhel-9.4`, `opensuse.leap-15.5` ...
 */

/** Of a package URL, decoded; the namespace is empty where there is none. */
export interface PackageName {
  type: string;
  namespace: string;
  name: string;
  /** `distro` and `upstream` of packages of distributions count. */
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

const FAMILIES: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['deb/debian', { ecosystem: 'Debian', bySource: true, release: (distro) => codename(DEBIAN, distro) ?? major(distro) }],
  ['deb/ubuntu', { ecosystem: 'Ubuntu', bySource: true, release: ubuntu }],
  ['apk/alpine', { ecosystem: 'Alpine', bySource: true, release: alpine }],
  ['apk/wolfi', { ecosystem: 'Wolfi', bySource: true, release: none }],
  ['apk/chainguard', { ecosystem: 'Chainguard', bySource: true, release: none }],
  ['apk/minimos', { ecosystem: 'MinimOS', bySource: true, release: none }],
  ['apk/alpaquita', { ecosystem: 'Alpaquita', bySource: true, release: (distro) => first(/(?:^|-)(\d+|stream)(?:\.\d+)*$/, distro) }],
  ...['redhat', 'rhel'].map((name): [string, Family] => [`rpm/${name}`, { ecosystem: 'Red Hat', bySource: false, release: redHat }]),
  ...['almalinux', 'alma'].map((name): [string, Family] => [`rpm/${name}`, { ecosystem: 'AlmaLinux', bySource: false, release: major }]),
  ...['rocky', 'rockylinux', 'rocky-linux'].map((name): [string, Family] => [`rpm/${name}`, { ecosystem: 'Rocky Linux', bySource: true, release: major }]),
  ['rpm/opensuse', { ecosystem: 'openSUSE', bySource: true, release: openSuse }],
  ...['suse', 'sles'].map((name): [string, Family] => [`rpm/${name}`, { ecosystem: 'SUSE', bySource: true, release: suse }]),
  ['rpm/mageia', { ecosystem: 'Mageia', bySource: true, release: major }],
  ['rpm/openeuler', { ecosystem: 'openEuler', bySource: true, release: openEuler }],
  ['rpm/photon', { ecosystem: 'Photon OS', bySource: false, release: (distro) => first(/(?:^|-)(\d+\.\d+)$/, distro) }],
]);

/** Null for packages of no distribution that OSV knows. */
export function distributionOf({ type, namespace, qualifiers }: PackageName): Distribution | null {
  const distro = (qualifiers?.get('distro') ?? '').toLowerCase();
  const [vendor = ''] = namespace.toLowerCase().split('/');
  // Trivy writes openSUSE's packages under `suse` or `opensuse.leap`; who built a package tells less than what it was installed on.
  const family = FAMILIES.get(`${type}/${/^(?:sles|suse|opensuse)/.exec(distro)?.[0] ?? vendor.split('.', 1)[0] ?? ''}`) ?? FAMILIES.get(`${type}/${vendor}`);
  if (family === undefined) return null;
  const release = family.release(distro);
  return { ecosystem: release === null ? family.ecosystem : `${family.ecosystem}:${release}`, bySource: family.bySource };
}

/**
 * The source package, where the records name those and the package URL has it as `upstream`: `openssl`, `gcc-12@12.2.0-14`, or an RPM's
 * file name `openssl-3.0.7-16.el9.src.rpm`. Its version is undefined where it is not told.
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

/**
 * What documents say of a distribution's package beside its package URL, brought to the qualifiers that other tools write for the same: `upstream`, the source package
 * (`openssl@3.0.11-1`, or an RPM's file name), `epoch`, and `distro`, the release. The package URL that names the component stays as it was given; the one that our documents
 * write has them all, so that other tools match as much, and says apart which of them it was not given with.
 */
import { formatPurl, formatQualifiers, parsePurl, parseQualifiers, type Purl } from '../../core/purl.ts';

/** As trivy writes them, in properties that begin with this. */
export const SOURCE_PROPERTY = /^aquasecurity:trivy:Src(Name|Version|Release|Epoch)$/;

/** Parts of the source package by those names. */
export type SourceParts = Readonly<Partial<Record<string, string>>>;

/** Where our own documents tell which qualifiers the package URL was not given with, written as behind the question mark of a package URL. */
export const INSTALLED_PROPERTY = 'sca-portal:installed';

const TYPES: ReadonlySet<string> = new Set(['deb', 'rpm', 'apk']);

/** Is it a package of a distribution, which the release and the source package matter to? */
export const isInstalled = ({ type }: Pick<Purl, 'type'>): boolean => TYPES.has(type);

/** The package URL with all that is known beside it, for other tools. */
export function fullPurl({ purl, installed }: { purl: string; installed: string | null }): string {
  if (installed === null) return purl;
  const parsed = parsePurl(purl);
  return formatPurl({ ...parsed, qualifiers: parseQualifiers(`${installed}&${formatQualifiers(parsed.qualifiers)}`) });
}

/** Qualifiers that a document of ours tells apart. */
const told = (text: string | null): [key: string, value: string][] =>
  text === null ? [] : [...parseQualifiers(text)].filter(([key]) => key === 'distro' || key === 'upstream' || key === 'epoch');

/** The package URL as it was given, before a document of ours wrote it in full. */
export function givenPurl(purl: Purl, text: string | null): Purl {
  const added = new Map(isInstalled(purl) ? told(text) : []);
  return added.size === 0 ? purl : { ...purl, qualifiers: new Map([...purl.qualifiers].filter(([key, value]) => added.get(key) !== value)) };
}

/** Qualifiers that a document of ours tells apart and the package URL, as it was given, lacks. */
export const toldQualifiers = (purl: Purl, text: string | null): [key: string, value: string][] => told(text).filter(([key]) => !purl.qualifiers.has(key));

/** Qualifiers of the source package that the package URL lacks. */
export function sourceQualifiers(purl: Purl, parts: SourceParts): [key: string, value: string][] {
  const { Name: name = '', Version: version = '', Release: release = '', Epoch: epoch = '' } = parts;
  if (name === '' || purl.qualifiers.has('upstream')) return [];
  const full = release === '' ? version : `${version}-${release}`;
  if (purl.type !== 'rpm') return [['upstream', full === '' ? name : `${name}@${epoch === '' || epoch === '0' ? '' : `${epoch}:`}${full}`]];
  const epochs: [string, string][] = epoch === '' || purl.qualifiers.has('epoch') ? [] : [['epoch', epoch]];
  return [['upstream', full === '' ? name : `${name}-${full}.src.rpm`], ...epochs];
}

/** SPDX has only words for it, those of trivy: `built package from: openssl 3.0.11-1`. */
export function sourceInWords(text: string | null): SourceParts {
  const [, Name, Version] = /^built package from: (\S+) (\S+)$/.exec(text ?? '') ?? [];
  return Name === undefined || Version === undefined ? {} : { Name, Version };
}

/** The release, where the document lists the one operating system that it is about: `debian-12.4`. */
export function releaseQualifier(purl: Purl, systems: readonly { name: string; version: string }[]): [key: string, value: string][] {
  const [system, other] = systems;
  if (system === undefined || other !== undefined || purl.qualifiers.has('distro')) return [];
  const vendor = (name: string): string => name.toLowerCase().split(/[.\-/ ]/, 1)[0] ?? '';
  return vendor(system.name) === vendor(purl.namespace ?? '') ? [['distro', `${system.name}-${system.version}`.toLowerCase()]] : [];
}

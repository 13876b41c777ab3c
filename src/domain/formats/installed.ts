/**
 * What documents say of a distribution's package beside its package URL, brought to the qualifiers that other tools write for the same: `upstream`, the source package
 * (`openssl@3.0.11-1`, or an RPM's file name), `epoch`, and `distro`, the release. The package URL itself stays as it was given.
 */
import { parseQualifiers, type Purl } from '../../core/purl.ts';

/** As trivy writes them, in properties that begin with this. */
export const SOURCE_PROPERTY = /^aquasecurity:trivy:Src(Name|Version|Release|Epoch)$/;

/** Parts of the source package by those names. */
export type SourceParts = Readonly<Partial<Record<string, string>>>;

/** Where our own documents keep such qualifiers, written as behind the question mark of a package URL. */
export const INSTALLED_PROPERTY = 'sca-portal:installed';

const TYPES: ReadonlySet<string> = new Set(['deb', 'rpm', 'apk']);

/** Is it a package of a distribution, which the release and the source package matter to? */
export const isInstalled = ({ type }: Pick<Purl, 'type'>): boolean => TYPES.has(type);

/** Qualifiers that a document of ours keeps apart and the package URL lacks. */
export function keptQualifiers(purl: Purl, text: string | null): [key: string, value: string][] {
  return text === null ? [] : [...parseQualifiers(text)].filter(([key]) => (key === 'distro' || key === 'upstream' || key === 'epoch') && !purl.qualifiers.has(key));
}

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

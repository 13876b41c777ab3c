/**
 * What licences ask of who uses or passes on what they cover: kinds of duty by licence, else by family, else by class; and in our words what each means.
 * Which of them apply depends on how the product reaches its users. Read from the licence texts; not legal advice.
 */
import type { components } from '../../../generated/api.ts';
import type { Distribution } from '../../db/projects.ts';
import type { Term } from '../licenses/catalogue.ts';
import { classOf, isLinkingException, type LicenseClass } from '../licenses/classes.ts';

export type ObligationKind = components['schemas']['ObligationKind'];

const NOTICES = ['attribution', 'include_license_text'] as const;
const PATENTS = ['patent_grant', 'patent_termination'] as const;
const COPYLEFT = [...NOTICES, 'state_changes', 'disclose_source', 'same_license'] as const;

const BY_CLASS: Readonly<Record<LicenseClass, readonly ObligationKind[]>> = {
  unconditional: [],
  permissive: NOTICES,
  conditional: [...NOTICES, 'state_changes'],
  weak: COPYLEFT,
  share_alike: [...NOTICES, 'state_changes', 'same_license'],
  no_derivatives: [...NOTICES, 'no_derivatives'],
  strong: COPYLEFT,
  network: [...COPYLEFT, 'network_use_discloses'],
  non_commercial: [...NOTICES, 'non_commercial'],
  restricted: [...NOTICES, 'restricted_use'],
  placeholder: [],
};

/** The first match counts. Ids as SPDX writes them, with `+` cut off. */
const BY_LICENSE: readonly [RegExp, readonly ObligationKind[]][] = [
  [/^Apache-2\.0$/, [...NOTICES, 'notice_file', 'state_changes', ...PATENTS, 'no_trademark']],
  [/^Apache-1\.1$/, [...NOTICES, 'acknowledgement', 'no_endorsement', 'rename_changes']],
  [/^Apache-1\.0$|^OpenSSL|^SSLeay|^Entessa$|^Saxpath$|^xpp$/, [...NOTICES, 'acknowledgement', 'no_endorsement', 'rename_changes']],
  [/^BSD-4-Clause|^BSD-4\.3|^BSD-.*Advertising|^MIT-advertising$|-acknowledg(?:e)?ment$/, [...NOTICES, 'acknowledgement', 'no_endorsement']],
  [/^BSD-3-Clause-No-/, [...NOTICES, 'no_endorsement', 'restricted_use']],
  [/^BSD-3-Clause-Clear$/, [...NOTICES, 'no_endorsement']],
  [/^BSD-2-Clause-Patent$/, [...NOTICES, ...PATENTS]],
  [/^BSD-3-Clause|^BSD-Source-Code$|^NCSA$|^X11$|^W3C|^ICU$|^HDF5$|^DEC-3-Clause$|^Mackerras-3-Clause$|^Brian-Gladman-3-Clause$/, [...NOTICES, 'no_endorsement']],
  [/^(?:Zlib|zlib-acknowledgement|Libpng|libpng-2\.0|bzip2-)/, ['attribution', 'state_changes']],
  [/^BSL-1\.0$/, ['include_license_text']],
  [/^JSON$/, [...NOTICES, 'restricted_use']],
  [/^(?:Python-2\.0|PSF-2\.0|CNRI-)/, [...NOTICES, 'state_changes', 'no_trademark']],
  [/^PHP-/, [...NOTICES, 'acknowledgement', 'no_endorsement', 'rename_changes']],
  [/^(?:AFL-|ECL-2\.0|MulanPSL-)/, [...NOTICES, 'state_changes', ...PATENTS, 'no_trademark']],
  [/^(?:UPL-1\.0|BlueOak-1\.0\.0)$/, ['include_license_text', 'patent_grant']],
  [/^MS-PL$/, [...NOTICES, 'same_license', ...PATENTS, 'no_trademark']],
  [/^MS-RL$/, [...NOTICES, 'disclose_source', 'same_license', ...PATENTS, 'no_trademark']],
  [/^(?:Artistic-|ClArtistic|OGTSL|LPPL-)/, [...NOTICES, 'state_changes', 'rename_changes']],
  [/^OFL-|^IPA$|^Ubuntu-font/, [...NOTICES, 'same_license', 'rename_changes', 'restricted_use']],
  [/^(?:MPL-2\.0)/, [...NOTICES, 'disclose_source', 'same_license', ...PATENTS, 'no_trademark']],
  [/^(?:MPL-1|NPL-|CDDL-|CPAL-|SPL-1\.0|SISSL|APSL-)/, [...COPYLEFT, ...PATENTS, 'no_trademark']],
  [/^(?:EPL-|CPL-1\.0|IPL-1\.0|ErlPL|LPL-|CATOSL)/, [...COPYLEFT, ...PATENTS]],
  [/^LGPL-3/, [...COPYLEFT, 'relinking', ...PATENTS]],
  [/^LGPL-|^LGPLLR/, [...COPYLEFT, 'relinking']],
  [/^AGPL-3/, [...COPYLEFT, 'network_use_discloses', ...PATENTS]],
  [/^GPL-3/, [...COPYLEFT, ...PATENTS]],
  [/^(?:OSL-|NPOSL-|EUPL-|RPL-)/, [...COPYLEFT, 'network_use_discloses', 'patent_grant']],
  [/^CC-BY-NC-SA-/, [...NOTICES, 'state_changes', 'same_license', 'non_commercial']],
  [/^CC-BY-NC-ND-/, [...NOTICES, 'no_derivatives', 'non_commercial']],
  [/^CC-BY-NC-/, [...NOTICES, 'state_changes', 'non_commercial']],
  [/^CC-BY-\d|^ODC-By|^OGL-|^etalab/, [...NOTICES, 'state_changes']],
];

/** Duties of a term; none for what the catalogue does not know. */
function kindsOf({ license, exception }: Term): readonly ObligationKind[] {
  const id = license.replace(/\+$/, '');
  const known = classOf(id);
  const kinds = BY_LICENSE.find(([pattern]) => pattern.test(id))?.[1] ?? (known === undefined ? [] : BY_CLASS[known]);
  return exception !== null && isLinkingException(exception) ? kinds.filter((kind) => kind !== 'relinking') : kinds;
}

/** Duties that come with use itself, and with serving users over a network; all others come with passing copies on. */
const ON_USE: ReadonlySet<ObligationKind> = new Set<ObligationKind>(['non_commercial', 'restricted_use', 'patent_termination']);
const ON_SERVICE: ReadonlySet<ObligationKind> = new Set<ObligationKind>([...ON_USE, 'network_use_discloses', 'no_endorsement', 'no_trademark']);

function applies(kind: ObligationKind, distribution: Distribution): boolean {
  if (distribution === 'distributed') return true;
  return (distribution === 'saas' ? ON_SERVICE : ON_USE).has(kind);
}

const TEXTS: Readonly<Record<ObligationKind, string>> = {
  attribution: 'Keep the copyright notices, and show them to whoever gets the product: in its documentation, an about page or a NOTICE file.',
  include_license_text: 'Give a copy of the licence text along with the product.',
  notice_file: 'Pass on what the NOTICE file of the component says, as far as it concerns what you pass on.',
  acknowledgement: 'Name the authors in the words that the licence prescribes, in the documentation or where features of the component are advertised.',
  state_changes: 'If you changed the component, say so in the changed files or beside them.',
  rename_changes: 'If you changed the component, do not pass it on under its own name.',
  disclose_source: 'Make the source of the component, with your changes to it, available to whoever gets the product.',
  network_use_discloses: 'Offer the source of the component, with your changes to it, to the users who reach it over a network.',
  same_license: 'Pass the component and what is derived from it on under the same licence.',
  relinking: 'Let users replace the component by a version of their own: link it dynamically, or give what is needed to link again, and allow debugging of such changes.',
  patent_grant: 'Contributors license their patents along with the code. If you pass on changes of yours, your own patents on them are licensed as well.',
  patent_termination: 'Who sues over patents in the component loses the rights that the licence gives.',
  no_endorsement: 'Do not use the names of the authors to promote the product without their permission.',
  no_trademark: 'The licence gives no right to the names, logos and trademarks of the authors.',
  non_commercial: 'Do not use the component commercially without another licence.',
  no_derivatives: 'Do not pass on changed versions.',
  restricted_use: 'Use the component only as the licence allows: it excludes some purposes. Read its conditions, or get another licence.',
};

/** Where a licence says it more exactly than its kind; the first match counts. */
const EXACT: readonly [license: RegExp, kind: ObligationKind, text: string][] = [
  [/^(?:MIT|ISC|X11)$/, 'include_license_text', 'Give the permission notice along with all copies and substantial parts.'],
  [/^BSD-/, 'include_license_text', 'Give the list of conditions and the disclaimer along: in source files, and with binaries in the documentation or other materials.'],
  [/^BSL-1\.0$/, 'include_license_text', 'Keep the licence text with copies in source form. Compiled code alone does not need it.'],
  [/^BSD-4-Clause/, 'acknowledgement', 'Advertising that mentions features or use of the component has to name its authors, in the words of the licence.'],
  [/^OpenSSL/, 'acknowledgement', 'Name the OpenSSL Project, and Eric Young and Tim Hudson where their code is used, in the words of the licence: in advertising and in what you pass on.'],
  [/^Zlib$/, 'attribution', 'Do not claim to have written the component, and keep its notice in source copies.'],
  [/^JSON$/, 'restricted_use', 'The licence says that the software shall be used for Good, not Evil.'],
  [/^CC-BY-/, 'attribution', 'Name the author as they ask, the title, the source and the licence with a link to it.'],
  [/^CC-BY-/, 'include_license_text', 'Link to the licence, or give its text along.'],
  [/^CC-BY-(?:NC-)?SA-/, 'same_license', 'Put adapted versions under the same licence, a later version of it, or one that is declared compatible.'],
  [/^MPL-/, 'disclose_source', 'Make the source of the licensed files, changed or not, available to whoever gets the product, and tell them where.'],
  [/^MPL-/, 'same_license', 'Licensed files, and those that take over parts of them, stay under this licence. Other files of the product need not.'],
  [/^(?:EPL-|CPL-)/, 'disclose_source', 'Make the source of the component with your changes available to whoever gets the product, and tell them where.'],
  [/^(?:EPL-|CPL-)/, 'same_license', 'The component and additions that are no separate modules stay under this licence.'],
  [/^CDDL-/, 'same_license', 'Licensed files, and those that take over parts of them, stay under this licence. Other files of the product need not.'],
  [/^LGPL-/, 'disclose_source', 'Give the complete source of the library with your changes to it along, or an offer of it.'],
  [/^LGPL-/, 'same_license', 'The library and changed versions of it stay under this licence. A program that only uses it need not.'],
  [/^LGPL-2/, 'relinking', 'Let users replace the library: link it dynamically, or give the object files to link again. Allow changes for their own use, and reverse engineering to debug them.'],
  [/^(?:AGPL-3|GPL-3)/, 'disclose_source', 'Give the complete corresponding source of the whole work along, or an offer of it; for consumer products also what is needed to install changed versions.'],
  [/^A?GPL-/, 'disclose_source', 'Give the complete source of the whole work, with the scripts that build it, along, or a written offer valid for three years.'],
  [/^A?GPL-/, 'same_license', 'License the whole work that contains the component or is derived from it under this licence.'],
  [/^AGPL-/, 'network_use_discloses', 'If you changed the component, offer its complete source to all users who interact with it over a network.'],
  [/^SSPL-/, 'network_use_discloses', 'Whoever offers the functions of the component as a service publishes the source of all that runs the service.'],
  [/^EUPL-/, 'network_use_discloses', 'Serving users over a network counts as passing on: give them access to the source.'],
  [/^(?:OSL-|NPOSL-|RPL-|CPAL-)/, 'network_use_discloses', 'Use by others over a network counts as passing on: the source of the component with your changes has to be available to them.'],
  [/^OFL-/, 'same_license', 'The font and derived fonts stay under this licence. Documents made with it do not come under it.'],
  [/^OFL-/, 'rename_changes', 'Changed versions may not bear the reserved font names.'],
  [/^OFL-/, 'restricted_use', 'The font may not be sold by itself.'],
  [/^MS-PL$/, 'same_license', 'If you pass on source, it stays under this licence; compiled code may go under one that complies with it.'],
  [/^BUSL-/, 'restricted_use', 'Use in production only as the additional use grant allows, until the change date puts the version under the change licence.'],
  [/^Elastic-2\.0$/, 'restricted_use', 'Do not offer the component to others as a managed service, and do not remove licence keys or notices.'],
  [/^FSL-/, 'restricted_use', 'Do not use it for a competing product; each version comes under its future licence after two years.'],
];

function textOf(kind: ObligationKind, { license, exception }: Term): string {
  const text = EXACT.find(([pattern, about]) => about === kind && pattern.test(license))?.[2] ?? TEXTS[kind];
  if (exception === null) return text;
  const narrowed = isLinkingException(exception) && (kind === 'same_license' || kind === 'disclose_source' || kind === 'network_use_discloses');
  return narrowed ? `${TEXTS[kind]} By the exception ${exception} this does not reach other code that is combined with it.` : text;
}

export interface Duty {
  kind: ObligationKind;
  text: string;
  link: string | null;
}

/** What a term demands of a product that reaches its users in this way. */
export function dutiesOf(term: Term, distribution: Distribution): Duty[] {
  const link = /^LicenseRef-|^DocumentRef-/.test(term.license) ? null : `https://spdx.org/licenses/${term.license.replace(/\+$/, '')}.html`;
  return kindsOf(term).filter((kind) => applies(kind, distribution)).map((kind) => ({ kind, text: textOf(kind, term), link }));
}

/**
 * What people write instead of SPDX ids: names, nicknames and URLs of licences. Facts collected from real SBOMs. The package spdx-correct is not used: it guesses where it should
 * not (npm's UNLICENSED, which means proprietary, becomes Unlicense; of `MIT/Apache-2.0` it drops a part).
 */
import { isDeprecated, replacementFor } from './deprecated.ts';
import { allSpdxLicenses, findSpdxLicense } from './spdx-list.ts';

/** Words that tell nothing apart. */
const NOISE = new Set(['the', 'license', 'licence', 'licenses', 'licences', 'licensed', 'software', 'version', 'v', 'of', 'and', 'with', 'a', 'terms', 'under', 'agreement', 'gnu', 'style', 'new', 'or']);

/** `The Apache Software License, Version 2.0` -> `apache 2`. */
function keyOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.+]+/g, ' ')
    .replaceAll(/\bv(?=\d)/g, ' ')
    .replaceAll(/(\d)\.0+(?![\d.])/g, '$1')
    .replaceAll(/(?<!\d)\.|\.(?!\d)/g, ' ')
    .split(' ')
    .filter((word) => word !== '' && !NOISE.has(word))
    .join(' ');
}

/** Characters; a longer text is no name, and looking for its parts would take long. */
const MAX_NAME = 500;

const CLASSPATH = 'GPL-2.0-only WITH Classpath-exception-2.0';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'Apache-2.0': ['Apache 2', 'Apache2', 'Apache', 'Apache Software', 'ASL 2', 'ASL', 'apachev2', 'ASF 2', 'ALv2', 'AL2', 'AL 2', 'Apache Public 2', 'Apache 2.0 License'],
  'Apache-1.1': ['Apache 1.1', 'ASL 1.1'],
  MIT: ['MIT', 'MTI', 'MIT X11', 'Expat', 'MIT Expat', 'MIT License (MIT)', 'Bouncy Castle'],
  'BSD-3-Clause': ['BSD', 'BSD 3 clause', '3 clause BSD', 'BSD 3', 'BSD3', 'Revised BSD', 'Modified BSD', 'BSD Revised', 'EDL 1', 'EDL', 'Eclipse Distribution 1', 'Eclipse Distribution EDL 1', 'Eclipse Distribution', 'BSD 3 clause BSD'],
  'BSD-2-Clause': ['BSD 2 clause', '2 clause BSD', 'Simplified BSD', 'FreeBSD', 'BSD 2', 'BSD2'],
  'BSD-4-Clause': ['BSD 4 clause', 'Original BSD'],
  'BSD-3-Clause-No-Nuclear-License': ['BSD 3 clause w nuclear disclaimer'],
  ISC: ['ISC', 'ISCL'],
  'EPL-1.0': ['EPL 1', 'Eclipse Public 1', 'Eclipse Public EPL 1', 'EPL', 'Eclipse Public'],
  'EPL-2.0': ['EPL 2', 'Eclipse Public 2', 'Eclipse Public EPL 2'],
  'CPL-1.0': ['CPL', 'Common Public', 'CPL 1', 'Common Public 1'],
  'MPL-1.1': ['MPL 1.1', 'Mozilla Public 1.1'],
  'MPL-2.0': ['MPL 2', 'MPLv2', 'Mozilla Public 2', 'MPL', 'Mozilla Public', 'Mozilla Public MPL 2'],
  'MPL-2.0 OR EPL-1.0': ['MPL 2 EPL 1'],
  'CDDL-1.0': ['CDDL', 'CDDL 1', 'Common Development Distribution', 'Common Development Distribution CDDL 1', 'Common Development Distribution 1', 'Common Development Distribution CDDL'],
  'CDDL-1.1': ['CDDL 1.1', 'Common Development Distribution 1.1', 'Common Development Distribution CDDL 1.1'],
  [`CDDL-1.1 OR ${CLASSPATH}`]: ['CDDL+GPL', 'CDDL+GPLv2 classpath exception', 'CDDL + GPLv2 classpath exception', 'CDDL GPL', 'CDDL GPLv2 classpath exception', 'Dual license consisting of the CDDL v1.1 and GPL v2'],
  [CLASSPATH]: [
    'GPL2 classpath exception', 'GPL 2 classpath exception', 'General Public 2 classpath exception', 'General Public 2 GPL2 classpath exception', 'General Public GPL 2 classpath exception',
    'GPLv2+CE', 'GPLv2 CE', 'GPL 2 CPE', 'General Public 2 GNU Classpath Exception',
  ],
  'GPL-2.0-only': ['GPL 2', 'GPLv2', 'GPL2', 'General Public 2', 'General Public GPL 2', 'General Public GPLv2'],
  'GPL-2.0-or-later': ['GPL 2 later', 'GPLv2+', 'GPL 2+', 'General Public 2 later', 'General Public 2 any later', 'General Public 2 greater'],
  'GPL-2.0-only WITH Universal-FOSS-exception-1.0': ['General Public 2 FOSS exception'],
  'GPL-3.0-only': ['GPL 3', 'GPLv3', 'GPL3', 'General Public 3', 'General Public GPL 3'],
  'GPL-3.0-or-later': ['GPL 3 later', 'GPLv3+', 'GPL 3+', 'General Public 3 later', 'General Public 3 greater'],
  'GPL-1.0-or-later': ['GPL', 'General Public', 'General Public GPL'], // without a version any one may be chosen
  'LGPL-2.0-or-later': ['LGPL', 'Lesser General Public', 'Library General Public', 'General Lesser Public', 'Lesser General Public LGPL', 'General Public Library'],
  'LGPL-2.1-only': ['LGPL 2.1', 'LGPLv2.1', 'lgpl 2 1', 'Lesser General Public 2.1', 'Lesser General Public LGPL 2.1'],
  'LGPL-2.1-or-later': ['LGPL 2.1+', 'LGPL 2.1 later', 'LGPLv2.1+', 'Lesser General Public 2.1 later', 'Lesser General Public 2.1 greater'],
  'LGPL-3.0-only': ['LGPL 3', 'LGPLv3', 'Lesser General Public 3'],
  'LGPL-3.0-or-later': ['LGPL 3+', 'LGPL 3 later', 'LGPLv3+', 'Lesser General Public 3 later', 'Lesser General Public 3 greater'],
  'AGPL-3.0-only': ['AGPL 3', 'AGPLv3', 'Affero General Public 3', 'AGPL'],
  'AGPL-3.0-or-later': ['AGPL 3+', 'AGPLv3+', 'Affero General Public 3 later'],
  'CC0-1.0': ['CC0', 'CC0 1', 'CC0 1 Universal', 'Creative Commons Zero', 'Public Domain per Creative Commons CC0'],
  'LicenseRef-Public-Domain': ['Public Domain', 'PublicDomain'],
  'Python-2.0': ['PSF', 'Python Foundation', 'PSFL', 'Python'],
  'Artistic-2.0': ['Artistic 2'],
  'BSL-1.0': ['Boost 1', 'Boost'],
  W3C: ['W3C'],
  'SSPL-1.0': ['SSPL', 'Server Side Public'],
  'OFL-1.1': ['OFL', 'SIL Open Font', 'Open Font'],
  'ODbL-1.0': ['ODbL', 'Open Database'],
  'BUSL-1.1': ['BUSL', 'Business Source'],
  'MS-PL': ['MSPL', 'Microsoft Public'],
  'PHP-3.01': ['PHP'],
  'Artistic-1.0-Perl OR GPL-1.0-or-later': ['Perl', 'Perl 5', 'same as Perl', 'same terms as Perl 5', 'perl_5'],
  Zlib: ['zlib libpng', 'zlib'],
  'JSON': ['JSON'],
  'SAX-PD': ['SAX PD'],
  Unlicense: ['Unlicense', 'The Unlicense (Unlicense)'],
  WTFPL: ['WTFPL', 'Do What The F*ck You Want To Public', 'Do What The Fuck You Want To Public'],
  'UPL-1.0': ['UPL', 'Universal Permissive', 'Universal Permissive UPL 1'],
};

/** Parts of licence URLs, in lower case. */
const URLS: readonly [part: string, expression: string][] = [
  ['apache.org/licenses/license-2.0', 'Apache-2.0'], ['opensource.org/licenses/apache-2.0', 'Apache-2.0'], ['opensource.org/licenses/mit', 'MIT'],
  ['opensource.org/licenses/bsd-3', 'BSD-3-Clause'], ['opensource.org/licenses/bsd-2', 'BSD-2-Clause'], ['opensource.org/licenses/isc', 'ISC'],
  ['eclipse.org/legal/epl-v10', 'EPL-1.0'], ['eclipse.org/legal/epl-v20', 'EPL-2.0'], ['eclipse.org/legal/epl-2.0', 'EPL-2.0'], ['eclipse.org/org/documents/edl-v10', 'BSD-3-Clause'],
  ['mozilla.org/mpl/2.0', 'MPL-2.0'], ['mozilla.org/en-us/mpl/2.0', 'MPL-2.0'], ['aws.amazon.com/apache2.0', 'Apache-2.0'], ['gnu.org/licenses/lgpl-2.1', 'LGPL-2.1-only'], ['gnu.org/licenses/lgpl-3.0', 'LGPL-3.0-only'], ['gnu.org/licenses/gpl-2.0', 'GPL-2.0-only'],
  ['gnu.org/licenses/gpl-3.0', 'GPL-3.0-only'], ['gnu.org/licenses/agpl-3.0', 'AGPL-3.0-only'], ['creativecommons.org/publicdomain/zero/1.0', 'CC0-1.0'],
  ['unlicense.org', 'Unlicense'], ['boost.org/license_1_0', 'BSL-1.0'],
];

/** Names and ids of the list itself count where no other licence has the same, ours before them. */
const byKey = new Map([
  ...unambiguous(allSpdxLicenses().filter(({ id }) => !isDeprecated(id) && !id.endsWith('+')).flatMap(({ id, name }): [string, string][] => [[keyOf(id), id], [keyOf(name), id]])),
  ...Object.entries(NAMES).flatMap(([expression, names]) => names.map((name): [string, string] => [keyOf(name), expression])),
]);

function unambiguous(pairs: readonly [key: string, id: string][]): [string, string][] {
  const ids = new Map<string, Set<string>>();
  for (const [key, id] of pairs) ids.set(key, (ids.get(key) ?? new Set()).add(id));
  return pairs.filter(([key]) => key !== '' && ids.get(key)?.size === 1);
}

/** The last part of an address of a site that names licences by their SPDX ids. */
const ID_SITE = /(?:spdx\.org\/licenses|opensource\.org\/licenses?|choosealicense\.com\/licenses|licenses\.nuget\.org|api\.github\.com\/licenses)\/([\w.+-]+?)(?:\.html|\.txt|\.json|\.php)?\/?$/i;
const CREATIVE_COMMONS = /creativecommons\.org\/licenses\/(by(?:-nc)?(?:-sa|-nd)?)\/(\d\.\d)/i;

function expressionForUrl(url: string): string | null {
  const address = url.toLowerCase();
  const known = URLS.find(([part]) => address.includes(part))?.[1];
  if (known !== undefined) return known;
  const [, id = ''] = ID_SITE.exec(url) ?? [];
  const [, kind = '', version = ''] = CREATIVE_COMMONS.exec(url) ?? [];
  const found = findSpdxLicense(id) ?? findSpdxLicense(`CC-${kind}-${version}`);
  if (found !== undefined) return replacementFor(found.id, false) ?? found.id;
  return id === '' ? null : (byKey.get(keyOf(id)) ?? null);
}

/** The SPDX expression that a name or URL stands for, or null. `A and B`, `A or B` are taken apart where the whole is not known. */
export function expressionForName(name: string): string | null {
  if (name.length > MAX_NAME) return null;
  if (/^https?[:-]|^www\./i.test(name)) return expressionForUrl(name);
  // as R writes: `GPL (>= 2)`, `MIT + file LICENSE`, `GPL-2 | GPL-3`
  const plain = name.replace(/\s*\+ file LICEN[SC]E$/, '').replaceAll(/\(?\s{0,9}(?:==|(>=))\s{0,9}([\d.]{1,9})\s{0,9}\)?/g, (_match, later: string | undefined, version: string) => ` ${version}${later === undefined ? '' : ' or later'}`);
  const whole = byKey.get(keyOf(plain));
  if (whole !== undefined) return whole;
  const choice = split(plain, /\s(?:or|\/)\s|[/|]/gi, ' OR ', 4);
  return choice ?? split(plain, /\sand\s|[,;]/gi, ' AND ', 4);
}

/** Cuts a name at one of the words into a known name and a rest that is known or can be cut again: some names have the word in them. */
function split(name: string, words: RegExp, operator: string, cuts: number): string | null {
  for (const { index, 0: word } of cuts === 0 ? [] : name.matchAll(words)) {
    const first = byKey.get(keyOf(name.slice(0, index)));
    if (first === undefined) continue;
    const rest = name.slice(index + word.length);
    const second = byKey.get(keyOf(rest)) ?? split(rest, words, operator, cuts - 1);
    if (second !== null) return first === second ? first : [first, second].map((one) => (/ (?:OR|AND) /.test(one) ? `(${one})` : one)).join(operator);
  }
  return null;
}

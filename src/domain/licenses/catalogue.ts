/** What the built-in policy says of each licence, and why. Organisation and team policies will override it. */
import { formatExpression, parseExpression, type Expression } from './expression.ts';
import { isDeprecated } from './deprecated.ts';
import { findSpdxLicense } from './spdx-list.ts';

export type Tier = 'allowed' | 'conditional' | 'forbidden' | 'unknown';

export interface TierJudgement {
  tier: Tier;
  reason: string;
}

const ALLOWED: TierJudgement = { tier: 'allowed', reason: 'permissive' };
const WEAK: TierJudgement = { tier: 'conditional', reason: 'copyleft for the licensed part only' };
const STRONG: TierJudgement = { tier: 'forbidden', reason: 'copyleft for the whole work' };
const NETWORK: TierJudgement = { tier: 'forbidden', reason: 'copyleft that reaches users over a network' };
const NOT_OPEN: TierJudgement = { tier: 'forbidden', reason: 'forbids commercial or competing use' };
const ADVERTISING: TierJudgement = { tier: 'conditional', reason: 'asks for more than attribution' };
export const UNKNOWN: TierJudgement = { tier: 'unknown', reason: 'not in the catalogue' };

/** First match wins; patterns are families of SPDX ids. */
const FAMILIES: readonly [pattern: RegExp, judgement: TierJudgement][] = [
  [/^(?:SSPL-1\.0|AGPL-|OSL-|RPL-|Watcom-1\.0|CPAL-1\.0|EUPL-)/, NETWORK],
  [/^(?:BUSL-1\.1|Elastic-2\.0|FSL-|CC-BY-NC|PolyForm-|JPL-image|Aladdin|Parity-|Prosperity-|Hippocratic)/i, NOT_OPEN],
  [/^(?:GPL-|CECILL-(?:1|2)|Sleepycat|QPL-1\.0|GFDL-|CC-BY-SA-[123])/, STRONG],
  [/^(?:LGPL-|MPL-|EPL-|CDDL-|CPL-1\.0|IPL-1\.0|MS-RL|APSL-|CECILL-C|LPL-|SPL-1\.0|Nokia|ErlPL-1\.1|CC-BY-SA-4\.0|CC-BY-ND-|OFL-1\.1|SISSL|LGPLLR|MPL|NPL-)/, WEAK],
  [/^(?:Apache-1\.[01]|BSD-4-Clause-UC|BSD-3-Clause-No-Nuclear|JSON$|Artistic-1\.0|PHP-3\.0$|OpenSSL-standalone)/, ADVERTISING],
  [
    /^(?:MIT|BSD-|0BSD|ISC|Apache-2\.0|Unlicense|CC0-1\.0|CC-BY-[1-4]|Zlib|zlib-|WTFPL|Python-2\.0|PSF-2\.0|BSL-1\.0|PostgreSQL|NTP|curl|Ruby|X11|Artistic-2\.0|PHP-3\.01|Libpng|libpng-2\.0|OpenSSL|UPL-1\.0|AFL-|MS-PL|BlueOak-1\.0\.0|W3C|ICU|Unicode-|NCSA|HPND|FTL|IJG|TCL|bzip2-|SMLNJ|Xnet|Fair|ECL-2\.0|EFL-2\.0|AAL|Beerware|CNRI-Python|SAX-PD|PDDL-1\.0|ANTLR-PD|blessing|Spencer-|TU-Berlin|Plexus|libtiff|Info-ZIP|Naumen|NAIST-2003|ODC-By-1\.0|MulanPSL-|VSL-1\.0|ZPL-|SSH-|OLDAP-2\.8)/,
    ALLOWED,
  ],
];

/** Exceptions that let other code be linked without the copyleft reaching it. */
const LINKING = /^(?:Classpath-exception-2\.0|LLVM-exception|GCC-exception-|Autoconf-exception-|Bison-exception-|Font-exception-2\.0|WxWindows-exception-3\.1|eCos-exception-2\.0|OpenJDK-assembly-exception|Universal-FOSS-exception|Linux-syscall-note|OCaml-LGPL-linking-exception|Swift-exception|Libtool-exception|u-boot-exception|openvpn-openssl-exception)/;

/**
 * OR is a choice: the least restrictive. AND and WITH bind together: the most restrictive. Unknown stands between conditional and forbidden: it may
 * hide anything, yet a part that is forbidden stays forbidden.
 */
const RESTRICTIVENESS: Record<Tier, number> = { allowed: 0, conditional: 1, unknown: 2, forbidden: 3 };

/** The tier of an expression; unknown where it cannot be parsed. */
export function tierOf(expression: string): TierJudgement {
  const parsed = parseExpression(expression);
  return parsed.ok ? judge(parsed.tree) : { tier: 'unknown', reason: `not an SPDX expression: it ${parsed.message}` };
}

function judge(tree: Expression): TierJudgement {
  switch (tree.kind) {
    case 'license':
      return FAMILIES.find(([pattern]) => pattern.test(tree.id))?.[1] ?? UNKNOWN;
    case 'reference':
      return tree.id === 'Public-Domain' ? { tier: 'allowed', reason: 'public domain' } : UNKNOWN;
    case 'with': {
      const judged = judge(tree.license);
      return judged.tier === 'forbidden' && LINKING.test(tree.exception) ? { tier: 'conditional', reason: `${judged.reason}, but for the exception ${tree.exception}` } : judged;
    }
    case 'and':
    case 'or': {
      const judged = tree.parts.map((part) => ({ part, ...judge(part) })).sort((a, b) => RESTRICTIVENESS[a.tier] - RESTRICTIVENESS[b.tier]);
      const decides = tree.kind === 'or' ? judged[0] : judged.at(-1);
      return decides === undefined ? UNKNOWN : { tier: decides.tier, reason: `${formatExpression(decides.part)}: ${decides.reason}` };
    }
  }
}

export interface LicenseInfo {
  name: string;
  osiApproved: boolean;
  /** The list that we carry does not say. */
  fsfLibre: boolean | null;
  deprecated: boolean;
  referenceUrl: string | null;
}

/** What is known of an SPDX id, with or without `+`, or of a LicenseRef. */
export function licenseInfo(id: string): LicenseInfo {
  const known = findSpdxLicense(id) ?? findSpdxLicense(id.replace(/\+$/, ''));
  if (known === undefined) return { name: id.replace(/^LicenseRef-/, '').replaceAll('-', ' '), osiApproved: false, fsfLibre: null, deprecated: false, referenceUrl: null };
  return { name: known.name, osiApproved: known.osiApproved, fsfLibre: null, deprecated: isDeprecated(known.id), referenceUrl: `https://spdx.org/licenses/${known.id}.html` };
}

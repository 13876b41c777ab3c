/**
 * Which licences cannot be kept at once within one product. Only a copyleft that takes in the whole work can clash: it asks that all of it is passed on under its
 * terms, and another licence of the same work may not allow that. Sources: the FSF's licence list and its FAQ about the GNU licences, the Apache Software
 * Foundation's page on GPL compatibility, the appendix of the EUPL, section 5.3 of CeCILL 2.1. Where these are silent nothing is reported, save that no copyleft bears
 * terms that forbid uses. Not legal advice.
 */
import type { Distribution } from '../../db/projects.ts';
import { formatTerm, type Term } from './catalogue.ts';
import { classOf, isLinkingException } from './classes.ts';

export interface Clash {
  reason: string;
  /** Who says so. */
  source: string;
}

const FSF_LIST = 'https://www.gnu.org/licenses/license-list.html';
const FSF_FAQ = 'https://www.gnu.org/licenses/gpl-faq.html#AllCompatibility';
const ASF = 'https://www.apache.org/licenses/GPL-compatibility.html';

const baseOf = ({ license }: Term): string => license.replace(/\+$/, '');
const isGpl2Only = (id: string): boolean => /^GPL-[12]\.0-only$/.test(id);
/** In the form in which it may be combined with version 3. */
const isGpl3 = (id: string): boolean => /^GPL-3\.0-|^GPL-[12]\.0-or-later$|^AGPL-3\.0-/.test(id);

/** Terms that the FSF calls incompatible with every version of the GPL. */
const NEVER_WITH_GPL = /^(?:BSD-4-Clause(?!-UC)|Apache-1\.[01]|OpenSSL|SSLeay|CDDL-|CPL-1\.0|IPL-1\.0|EPL-|MPL-1\.[01]|MPL-2\.0-no-copyleft-exception|NPL-|SPL-1\.0|SISSL|APSL-|MS-PL|MS-RL|LPL-|LPPL-1\.[0-3]|PHP-|QPL-1\.0|Sleepycat$|OSL-|NPOSL-|AFL-|RPL-|RPSL-|Zend-2\.0|JSON$|Watcom-1\.0|CPAL-1\.0|NASA-1\.3|Artistic-1\.0$|XFree86-1\.1|YPL-|gSOAP|CUA-OPL|SSPL-)/;

/** Does a copyleft for the whole work clash with another licence in it? */
function clashOf(copyleft: Term, other: Term): Clash | null {
  const [mine, theirs] = [baseOf(copyleft), baseOf(other)];
  const theirClass = classOf(theirs);
  if (theirClass === 'restricted' || theirClass === 'non_commercial') return { reason: `${formatTerm(copyleft)} lets nobody add restrictions to the whole work, and ${formatTerm(other)} restricts its use`, source: FSF_FAQ };
  if (!isGpl2Only(mine) && !isGpl3(mine)) return null;
  if (NEVER_WITH_GPL.test(theirs)) return { reason: `${formatTerm(other)} asks for more than ${formatTerm(copyleft)} allows to be asked of the whole work`, source: FSF_LIST };
  if (!isGpl2Only(mine)) return null;
  if (theirs === 'Apache-2.0') return { reason: `the patent and indemnification terms of Apache-2.0 are restrictions that ${formatTerm(copyleft)} does not allow; version 3 does`, source: ASF };
  if (/^(?:A|L)?GPL-3\.0-/.test(theirs)) return { reason: `the work cannot be under version 2 only and under version 3 at once`, source: FSF_FAQ };
  return null;
}

/** Its copyleft takes in the whole work. Exceptions for linking keep it to the part. */
function takesAll(term: Term, distribution: Distribution): boolean {
  const known = classOf(baseOf(term));
  if (term.exception !== null && isLinkingException(term.exception)) return false;
  return known === 'network' ? distribution !== 'internal' : known === 'strong' && distribution === 'distributed';
}

/** Why the two cannot be kept at once in a product that reaches its users in this way; null where they can, or nobody says that they cannot. */
export function clashBetween(a: Term, b: Term, distribution: Distribution): Clash | null {
  return (takesAll(a, distribution) ? clashOf(a, b) : null) ?? (takesAll(b, distribution) ? clashOf(b, a) : null);
}

/** The product's own licence against a component's: a licence of one's own making is taken for a proprietary one. */
export function clashWithProduct(own: Term, component: Term, distribution: Distribution): Clash | null {
  if (/^LicenseRef-/.test(own.license) && own.license !== 'LicenseRef-Public-Domain' && takesAll(component, distribution)) {
    return { reason: `${formatTerm(component)} asks that the whole product is passed on under its terms, and the product is under ${own.license}`, source: FSF_FAQ };
  }
  return clashBetween(own, component, distribution);
}

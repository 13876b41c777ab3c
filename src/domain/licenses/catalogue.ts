/** What policy says of each licence, and why: the built-in catalogue, and the rules of organisation and team that override it. */
import { classOf, isLinkingException, type LicenseClass } from './classes.ts';
import { formatExpression, parseExpression, type Expression } from './expression.ts';
import { isDeprecated } from './deprecated.ts';
import { findSpdxLicense } from './spdx-list.ts';

export type Tier = 'allowed' | 'conditional' | 'forbidden' | 'unknown';

export interface TierJudgement {
  tier: Tier;
  reason: string;
}

export const UNKNOWN: TierJudgement = { tier: 'unknown', reason: 'not in the catalogue' };

/** What the built-in policy makes of each class, and why. */
const BY_CLASS: Readonly<Record<LicenseClass, TierJudgement>> = {
  unconditional: { tier: 'allowed', reason: 'asks nothing in return' },
  permissive: { tier: 'allowed', reason: 'permissive' },
  conditional: { tier: 'conditional', reason: 'asks for more than attribution' },
  weak: { tier: 'conditional', reason: 'copyleft for the licensed part only' },
  share_alike: { tier: 'conditional', reason: 'adapted content or data stays under the same licence' },
  no_derivatives: { tier: 'conditional', reason: 'may not be passed on changed' },
  strong: { tier: 'forbidden', reason: 'copyleft for the whole work' },
  network: { tier: 'forbidden', reason: 'copyleft that reaches users over a network' },
  non_commercial: { tier: 'forbidden', reason: 'forbids commercial use' },
  restricted: { tier: 'forbidden', reason: 'restricts what it may be used for' },
  placeholder: { tier: 'unknown', reason: 'names no single licence' },
};

/** What an organisation and a team say of licences in place of the catalogue, by id. */
export type LicenseRules = ReadonlyMap<string, TierJudgement>;
const NO_RULES: LicenseRules = new Map();

/**
 * OR is a choice: the least restrictive. AND and WITH bind together: the most restrictive. Unknown stands between conditional and forbidden: it may
 * hide anything, yet a part that is forbidden stays forbidden.
 */
const RESTRICTIVENESS: Record<Tier, number> = { allowed: 0, conditional: 1, unknown: 2, forbidden: 3 };

/** The tier of an expression; unknown where it cannot be parsed. A rule counts before the catalogue. */
export function tierOf(expression: string, rules = NO_RULES): TierJudgement {
  const parsed = parseExpression(expression);
  return parsed.ok ? judge(parsed.tree, rules) : { tier: 'unknown', reason: `not an SPDX expression: it ${parsed.message}` };
}

function judge(tree: Expression, rules: LicenseRules): TierJudgement {
  const ruled = tree.kind === 'and' || tree.kind === 'or' ? undefined : rules.get(formatExpression(tree));
  if (ruled !== undefined) return ruled;
  switch (tree.kind) {
    case 'license': {
      const known = classOf(tree.id);
      return (tree.orLater ? rules.get(tree.id) : undefined) ?? (known === undefined ? UNKNOWN : BY_CLASS[known]);
    }
    case 'reference':
      return tree.id === 'Public-Domain' ? { tier: 'allowed', reason: 'public domain' } : UNKNOWN;
    case 'with': {
      const judged = judge(tree.license, rules);
      return judged.tier === 'forbidden' && isLinkingException(tree.exception) ? { tier: 'conditional', reason: `${judged.reason}, but for the exception ${tree.exception}` } : judged;
    }
    case 'and':
    case 'or': {
      const decides = deciding(tree.kind, tree.parts, rules);
      return decides === undefined ? UNKNOWN : { tier: decides.tier, reason: `${formatExpression(decides.part)}: ${decides.reason}` };
    }
  }
}

/** The part of a compound that its tier comes from; the first of equals. */
function deciding(kind: 'and' | 'or', parts: readonly Expression[], rules: LicenseRules): ({ part: Expression } & TierJudgement) | undefined {
  const judged = parts.map((part) => ({ part, ...judge(part, rules) })).sort((a, b) => RESTRICTIVENESS[a.tier] - RESTRICTIVENESS[b.tier]);
  return kind === 'or' ? judged[0] : judged.at(-1);
}

/** A licence as one takes it: with its exception, where it has one. */
export interface Term {
  /** SPDX id with or without `+`, or `LicenseRef-...`. */
  license: string;
  exception: string | null;
}

export const formatTerm = ({ license, exception }: Term): string => (exception === null ? license : `${license} WITH ${exception}`);

/** The licences that bind whoever uses what has this expression: all of an AND, and of an OR the choice that its tier comes from. */
export function bindingTerms(expression: string, rules = NO_RULES): Term[] {
  const parsed = parseExpression(expression);
  return parsed.ok ? termsOf(parsed.tree, rules) : [];
}

function termsOf(tree: Expression, rules: LicenseRules): Term[] {
  switch (tree.kind) {
    case 'license':
    case 'reference':
      return [{ license: formatExpression(tree), exception: null }];
    case 'with':
      return termsOf(tree.license, rules).map(({ license }) => ({ license, exception: tree.exception }));
    case 'and':
      return tree.parts.flatMap((part) => termsOf(part, rules));
    case 'or': {
      const chosen = deciding('or', tree.parts, rules);
      return chosen === undefined ? [] : termsOf(chosen.part, rules);
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

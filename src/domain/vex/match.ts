/** Which findings the claims of a VEX document mean, and which of several claims on one finding counts. Pure. */
import { formatPurl, parsePurl, type Purl } from '../../core/purl.ts';
import { DomainError } from '../../core/errors.ts';
import type { components } from '../../../generated/api.ts';
import type { VexTarget } from '../../db/vex.ts';
import type { VexClaim } from './read.ts';

export type VexSkipReason = components['schemas']['VexImportResult']['errors'][number]['reason'];

export interface Pairing {
  claim: VexClaim;
  /** Null where the claim means no finding. */
  target: VexTarget | null;
  /** Does the claim concern the package in any version? */
  wide: boolean;
  /** Why the claim changes nothing; null where it is to be applied. */
  skip: { reason: VexSkipReason; detail: string } | null;
}

/** A claim without a version means all versions, so there may be more pairings than claims. */
const MAX_PAIRINGS = 200_000;

/**
 * One pairing a claim and finding, in the order of the claims. A finding's vulnerability is meant by its id or any alias, its component by the package URL: qualifiers that
 * stand on both sides must agree, others are passed over. A claim on the document's own product means all the project's findings of the vulnerability, if the product's name is the project's. Of several claims on a finding the one with the newest time counts, of equally new ones the last.
 * @throws DomainError malformed-vex where the claims mean too many findings
 */
export function pairClaims(claims: readonly VexClaim[], { targets, present, projectNames }: Scene): Pairing[] {
  const byName = new Map<string, Map<string, Candidate[]>>();
  const own = new Set(projectNames.map((name) => name.toLowerCase()));
  for (const target of targets) {
    const purl = readPurl(target.purl);
    if (purl === null) continue;
    const candidate = { target, purl };
    for (const name of target.names) pushTo(entry(byName, name, () => new Map<string, Candidate[]>()), packageOf(purl), candidate);
  }
  const packages = Map.groupBy(present.flatMap((purl) => readPurl(purl) ?? []), packageOf);
  const pairings: Pairing[] = [];
  for (const claim of claims) {
    pairings.push(...pair(claim, claim.subject !== null && own.has(claim.subject.toLowerCase()), byName, packages));
    if (pairings.length > MAX_PAIRINGS) throw new DomainError('malformed-vex', `The statements mean more than ${MAX_PAIRINGS} findings; send them in several documents.`);
  }
  return newestOnly(pairings);
}

/** The project that a document meets. */
export interface Scene {
  targets: readonly VexTarget[];
  /** Package URLs of the current scan. */
  present: readonly string[];
  /** What the project is called. */
  projectNames: readonly string[];
}

interface Candidate {
  target: VexTarget;
  purl: Purl;
}

function pair(claim: VexClaim, isOwn: boolean, byName: ReadonlyMap<string, ReadonlyMap<string, readonly Candidate[]>>, packages: ReadonlyMap<string, readonly Purl[]>): Pairing[] {
  const without = (reason: VexSkipReason, detail: string): Pairing[] => [{ claim, target: null, wide: false, skip: { reason, detail } }];
  if (claim.fault !== null) return without(claim.fault.reason, claim.fault.detail);
  if (isOwn) {
    const all = new Set(claim.names.flatMap((name) => [...(byName.get(name)?.values() ?? [])].flat().map(({ target }) => target)));
    return all.size === 0 ? without('unknown_vulnerability', 'The project has no finding of this vulnerability.') : [...all].map((target) => ({ claim, target, wide: false, skip: olderThan(claim, target) }));
  }
  const purl = readPurl(claim.product ?? '');
  if (purl === null) return without('unknown_component', claim.subject === null ? 'The product is no package URL, and the document names none for it.' : `The statement is on '${claim.subject}' as a whole, which is not the name of the project.`);
  const key = packageOf(purl);
  const found = new Set(claim.names.flatMap((name) => (byName.get(name)?.get(key) ?? []).filter((candidate) => isMeant(purl, candidate.purl)).map(({ target }) => target)));
  const wide = purl.version === null || claim.judgement?.scope === 'package';
  if (found.size > 0) return [...found].map((target) => ({ claim, target, wide, skip: olderThan(claim, target) }));
  if ((packages.get(key) ?? []).some((candidate) => isMeant(purl, candidate))) return without('unknown_vulnerability', 'The component has no finding of this vulnerability.');
  return without('unknown_component', "No component of the project's current scan has this package URL.");
}

/** A claim that nobody has assessed the vulnerability takes no decision back. */
function olderThan(claim: VexClaim, target: VexTarget): Pairing['skip'] {
  if (claim.judgement?.status === 'new' && target.status !== 'new') return { reason: 'not_assessed', detail: `The statement says that nobody has assessed the finding yet; it is ${target.status} here.` };
  if (claim.timestamp === null || target.decided_at === null || Date.parse(claim.timestamp) >= Date.parse(target.decided_at)) return null;
  return { reason: 'older_statement', detail: `The statement is of ${claim.timestamp}, the finding was decided at ${target.decided_at}.` };
}

function newestOnly(pairings: readonly Pairing[]): Pairing[] {
  const newest = new Map<string, Pairing>();
  const age = ({ claim }: Pairing): number => (claim.timestamp === null ? 0 : Date.parse(claim.timestamp));
  for (const pairing of pairings) {
    if (pairing.target === null || pairing.skip !== null) continue;
    const rival = newest.get(pairing.target.id);
    if (rival === undefined || age(pairing) >= age(rival)) newest.set(pairing.target.id, pairing);
  }
  return pairings.map((pairing) => {
    if (pairing.target === null || pairing.skip !== null || newest.get(pairing.target.id) === pairing) return pairing;
    return { ...pairing, skip: { reason: 'superseded', detail: 'Another statement of the document on the same finding is newer, or as new and stands behind it.' } };
  });
}

function isMeant(meant: Purl, present: Purl): boolean {
  if (meant.version !== null && meant.version !== present.version) return false;
  return [...meant.qualifiers].every(([key, value]) => (present.qualifiers.get(key) ?? value) === value);
}

const packageOf = ({ type, namespace, name }: Purl): string => formatPurl({ type, namespace, name, version: null });

function readPurl(text: string): Purl | null {
  try {
    return parsePurl(text);
  } catch {
    return null;
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}

function pushTo<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  entry(map, key, (): V[] => []).push(value);
}

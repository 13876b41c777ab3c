/** From what several advisories say of one vulnerability to what we say of it. */
import type { AdvisoryFacts } from '../../advisories/osv.ts';

export interface MergedFacts extends Omit<AdvisoryFacts, 'modified'> {
  modified: string | null;
  /** The record whose word on the severity counts, and what it says it by; null where none says anything. */
  severity_source: { advisory_id: string; basis: 'cvss' | 'word' } | null;
}

/** Whose words and scores are preferred: GitHub reviews its records; ecosystems' own databases often carry no severity. */
const ORDER = ['GHSA-', 'CVE-', 'PYSEC-', 'GO-', 'RUSTSEC-'];
const MAX_REFERENCES = 100;

/** Withdrawn advisories count only where all are. */
export function mergeFacts(advisories: readonly { id: string; facts: AdvisoryFacts }[]): MergedFacts {
  const live = advisories.filter(({ facts }) => facts.withdrawn === null);
  const ranked = (live.length > 0 ? live : advisories).toSorted((a, b) => rank(a.id) - rank(b.id) || (a.id < b.id ? -1 : 1));
  const sorted = ranked.map(({ facts }) => facts);
  const source = ranked.find(({ facts }) => facts.cvss_score !== null) ?? ranked.find(({ facts }) => facts.severity !== 'unknown');
  const scored = source?.facts;
  const times = (pick: (facts: AdvisoryFacts) => string | null): string[] => sorted.flatMap((facts) => pick(facts) ?? []).sort();
  return {
    summary: sorted.find((facts) => facts.summary !== null)?.summary ?? null,
    details: sorted.find((facts) => facts.details !== null)?.details ?? null,
    severity: scored?.severity ?? 'unknown',
    cvss_score: scored?.cvss_score ?? null,
    cvss_vector: scored?.cvss_vector ?? null,
    severity_source: source === undefined ? null : { advisory_id: source.id, basis: source.facts.cvss_score === null ? 'word' : 'cvss' },
    cwes: [...new Set(sorted.flatMap((facts) => facts.cwes))].sort(),
    references: [...new Map(sorted.flatMap((facts) => facts.references).map((reference) => [reference.url, reference])).values()].slice(0, MAX_REFERENCES),
    published: times((facts) => facts.published)[0] ?? null,
    modified: times((facts) => facts.modified).at(-1) ?? null,
    withdrawn: live.length > 0 ? null : (times((facts) => facts.withdrawn).at(-1) ?? null),
  };
}

function rank(id: string): number {
  const place = ORDER.findIndex((prefix) => id.startsWith(prefix));
  return place === -1 ? ORDER.length : place;
}

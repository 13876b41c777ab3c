/** From groups of advisories to vulnerabilities: which of them a group is, what it says, and what has become of the former ones. */
import { externalIds, factsOf, insertVulnerabilities, relatedAdvisories, updateVulnerabilities, type RelatedAdvisory } from '../../db/advisories.ts';
import type { Tx } from '../../db/connect.ts';
import type { Succession } from '../../db/regroup.ts';
import { groupAdvisories, type AdvisoryGroup } from './group.ts';
import { mergeFacts } from './merge.ts';

export interface PlacedGroup {
  group: AdvisoryGroup;
  /** Of its vulnerability. */
  id: number;
  /** The vulnerability is new. */
  fresh: boolean;
}

const BATCH = 1_000;

export async function regroup(tx: Tx): Promise<{ related: RelatedAdvisory[]; groups: PlacedGroup[] }> {
  const related = await relatedAdvisories(tx);
  return { related, groups: await placeGroups(tx, related, groupAdvisories(related)) };
}

/** Gives each group a vulnerability: the one of its advisories that bears its name, else the oldest of theirs that no other group has, else a new one. */
async function placeGroups(tx: Tx, related: readonly RelatedAdvisory[], groups: readonly AdvisoryGroup[]): Promise<PlacedGroup[]> {
  const former = new Map(related.map((advisory) => [advisory.id, advisory.vulnerability_id]));
  const nameOf = await externalIds(tx, [...new Set([...former.values()].filter((id) => id !== null))]);
  const candidates = groups.map((group) => [...new Set(group.advisoryIds.flatMap((id) => former.get(id) ?? []))].sort((a, b) => a - b));
  const named = groups.map((group, index) => candidates[index]?.find((id) => nameOf.get(id) === group.externalId));
  const taken = new Set(named);
  const chosen = groups.map((group, index) => {
    const id = named[index] ?? candidates[index]?.find((candidate) => !taken.has(candidate));
    taken.add(id);
    return { group, id };
  });
  const fresh = await insertVulnerabilities(tx, chosen.flatMap(({ group, id }) => (id === undefined ? [group.externalId] : [])));
  return chosen.map(({ group, id }) => {
    const placed = id ?? fresh.shift();
    if (placed === undefined) throw new Error(`${group.externalId} has no vulnerability`);
    return { group, id: placed, fresh: id === undefined };
  });
}

/** The vulnerabilities some of whose advisories are now another's. One that no group has taken has become what the first of its advisories is part of. */
export function successions(related: readonly RelatedAdvisory[], groups: readonly PlacedGroup[]): Succession[] {
  const now = new Map(groups.flatMap((placed) => placed.group.advisoryIds.map((advisoryId): [string, PlacedGroup] => [advisoryId, placed])));
  const heirsOf = new Map<number, Map<number, PlacedGroup>>();
  for (const { id, vulnerability_id: old } of related) {
    const heir = now.get(id);
    if (old === null || heir === undefined) continue;
    const heirs = heirsOf.get(old) ?? new Map<number, PlacedGroup>();
    heirsOf.set(old, heirs.set(heir.id, heir));
  }
  return [...heirsOf].flatMap(([old, heirs]) => {
    const home = heirs.has(old) ? old : heirs.keys().next().value;
    if (home === old && heirs.size === 1) return [];
    return [...heirs.values()].map(({ id, fresh }) => ({ old, heir: id, home: id === home, fresh }));
  });
}

/** Writes what the advisories of each group say together. */
export async function describeGroups(tx: Tx, groups: readonly PlacedGroup[]): Promise<void> {
  for (let start = 0; start < groups.length; start += BATCH) {
    const some = groups.slice(start, start + BATCH);
    const spoken = Map.groupBy(await factsOf(tx, some.map(({ id }) => id)), (advisory) => advisory.vulnerability_id);
    await updateVulnerabilities(tx, some.map(({ group, id }) => ({ id, external_id: group.externalId, aliases: group.aliases, ...mergeFacts(spoken.get(id) ?? []) })));
  }
}

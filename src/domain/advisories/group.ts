/** Which advisories speak of one vulnerability: those that share a name (id or alias), directly or through others, as OSV defines aliases. */

export interface NamedAdvisory {
  id: string;
  /** Its id and aliases. */
  names: readonly string[];
  withdrawn: boolean;
}

export interface AdvisoryGroup {
  /** CVE id where one is among the names, else a GHSA id, else the smallest id. */
  externalId: string;
  /** All names but that one, sorted. */
  aliases: readonly string[];
  advisoryIds: readonly string[];
}

/**
 * Withdrawn advisories follow the others, but join no two groups of them: a record is often withdrawn because its aliases were wrong.
 * No name is in two groups.
 */
export function groupAdvisories(advisories: readonly NamedAdvisory[]): AdvisoryGroup[] {
  const sets = new NameSets();
  const ids = new Set(advisories.map((advisory) => advisory.id));
  const live = advisories.filter((advisory) => !advisory.withdrawn);
  for (const advisory of live) sets.join(advisory.names);
  const known = new Set(live.flatMap((advisory) => advisory.names));
  const placed = live.map((advisory) => ({ advisory, anchor: advisory.id, adds: advisory.names }));
  for (const advisory of advisories.filter((one) => one.withdrawn)) {
    const anchor = advisory.names.find((name) => known.has(name));
    const free = advisory.names.filter((name) => name === advisory.id || (!known.has(name) && !ids.has(name)));
    if (anchor === undefined) sets.join(free);
    placed.push({ advisory, anchor: anchor ?? advisory.id, adds: anchor === undefined ? free : [advisory.id] });
  }
  const groups = new Map<string, { names: Set<string>; ids: string[] }>();
  for (const { advisory, anchor, adds } of placed) {
    const root = sets.find(anchor);
    const group = groups.get(root) ?? { names: new Set<string>(), ids: [] };
    groups.set(root, group);
    group.ids.push(advisory.id);
    for (const name of adds) group.names.add(name);
  }
  return [...groups.values()].map((group) => {
    const [externalId = '', ...aliases] = [...group.names].sort((a, b) => rank(a) - rank(b) || compareIds(a, b));
    return { externalId, aliases: aliases.sort(), advisoryIds: group.ids.sort() };
  });
}

const rank = (name: string): number => (name.startsWith('CVE-') ? 0 : name.startsWith('GHSA-') ? 1 : 2);

/** CVE ids by year and number, others by text. */
function compareIds(a: string, b: string): number {
  const [left, right] = [a, b].map((id) => /^CVE-(\d+)-(\d+)$/.exec(id));
  if (left && right) return Number(left[1]) - Number(right[1]) || Number(left[2]) - Number(right[2]);
  return a < b ? -1 : 1;
}

/** Disjoint sets of names, with path compression. */
class NameSets {
  readonly #parent = new Map<string, string>();

  find(name: string): string {
    let root = name;
    for (let up = this.#parent.get(root); up !== undefined && up !== root; up = this.#parent.get(root)) root = up;
    for (let at = name; at !== root; ) {
      const up = this.#parent.get(at) ?? root;
      this.#parent.set(at, root);
      at = up;
    }
    return root;
  }

  join([first, ...others]: readonly string[]): void {
    if (first === undefined) return;
    for (const other of others) this.#parent.set(this.find(other), this.find(first));
  }
}

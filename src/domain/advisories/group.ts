/**
 * Which advisories speak of one vulnerability: those that share a name (id or alias), directly or through others, as OSV defines aliases; `related` is none.
 *
 * One thing holds chains back: two CVE ids are one vulnerability only where a single record names both. What else would make them one joins the first of them
 * alone. OSV itself joins whatever is connected and gives up on groups of more than 32; a wrong alias then hides one vulnerability behind another.
 */

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

/** A record with more CVE ids is a bulletin on many vulnerabilities, whatever it calls them: it joins nothing. OSV's limit on aliases. */
const MAX_CVES = 5;

/**
 * Depends on the advisories alone, not on their order. Withdrawn ones follow the others, but join no two groups of them: a record is often withdrawn because its
 * aliases were wrong. No name is in two groups.
 */
export function groupAdvisories(given: readonly NamedAdvisory[]): AdvisoryGroup[] {
  const advisories = given.map(boundAliases).sort((a, b) => (a.id < b.id ? -1 : 1));
  const sets = new NameSets();
  const live = advisories.filter((advisory) => !advisory.withdrawn);
  joinAll(sets, live);
  const known = new Set(live.flatMap((advisory) => advisory.names));
  const withdrawn = Map.groupBy(advisories.filter((one) => one.withdrawn), ({ names }) => names.some((name) => known.has(name)));
  joinAll(sets, withdrawn.get(false) ?? []);
  for (const { id, names } of withdrawn.get(true) ?? []) sets.joinUnlessBothCves(names.find((name) => known.has(name)) ?? id, id);
  const members = Map.groupBy(advisories, ({ id }) => sets.find(id));
  const names = Map.groupBy(sets.names(), (name) => sets.find(name));
  return [...members].map(([root, own]) => {
    const [externalId = '', ...aliases] = (names.get(root) ?? []).sort((a, b) => rank(a) - rank(b) || compareIds(a, b));
    return { externalId, aliases: aliases.sort(), advisoryIds: own.map(({ id }) => id) };
  });
}

const isCve = (name: string): boolean => name.startsWith('CVE-');
const boundAliases = (advisory: NamedAdvisory): NamedAdvisory => (advisory.names.filter(isCve).length > MAX_CVES ? { ...advisory, names: [advisory.id] } : advisory);

/** First what single records say of CVE ids, then the records that name one, then the other names, by the order of records. */
function joinAll(sets: NameSets, advisories: readonly NamedAdvisory[]): void {
  for (const { names } of advisories) {
    const [first, ...others] = names.filter(isCve);
    for (const other of others) sets.join(first ?? other, other);
  }
  for (const { id, names } of advisories) sets.join(names.find(isCve) ?? id, id);
  for (const { id, names } of advisories) for (const name of names) if (!isCve(name)) sets.joinUnlessBothCves(id, name);
}

const rank = (name: string): number => (isCve(name) ? 0 : name.startsWith('GHSA-') ? 1 : 2);

/** CVE ids by year and number, others by text. */
function compareIds(a: string, b: string): number {
  const [left, right] = [a, b].map((id) => /^CVE-(\d+)-(\d+)$/.exec(id));
  if (left && right) return Number(left[1]) - Number(right[1]) || Number(left[2]) - Number(right[2]);
  return a < b ? -1 : 1;
}

/** Disjoint sets of names, with path compression. The root of a set that has a CVE id is one. */
class NameSets {
  readonly #parent = new Map<string, string>();

  names(): string[] {
    return [...this.#parent.keys()];
  }

  find(name: string): string {
    let root = name;
    for (let up = this.#parent.get(root); up !== undefined && up !== root; up = this.#parent.get(root)) root = up;
    for (let at = name; at !== root; ) {
      const up = this.#parent.get(at) ?? root;
      this.#parent.set(at, root);
      at = up;
    }
    if (!this.#parent.has(root)) this.#parent.set(root, root);
    return root;
  }

  join(one: string, other: string): void {
    const [root, joined] = [this.find(one), this.find(other)];
    if (isCve(joined) && !isCve(root)) this.#parent.set(root, joined);
    else this.#parent.set(joined, root);
  }

  joinUnlessBothCves(one: string, other: string): void {
    const [root, joined] = [this.find(one), this.find(other)];
    if (root !== joined && !(isCve(root) && isCve(joined))) this.join(root, joined);
  }
}

/** The dependency graph of a scan: ordinals, edges between them and depths. */
import type { DetectedComponent } from '../../core/component.ts';

export interface OrderedComponent {
  component: DetectedComponent;
  ordinal: number;
  dependsOn: number[];
  /** Edges from the root on the shortest path: 1 for a direct dependency; null where no path leads there. */
  depth: number | null;
}

/** Puts components in the order of their package URLs, so that the same document always gives the same rows. */
export function orderComponents(components: readonly DetectedComponent[]): OrderedComponent[] {
  const sorted = components.toSorted((a, b) => (a.purl < b.purl ? -1 : a.purl > b.purl ? 1 : 0));
  const ordinalOf = new Map(sorted.map((component, ordinal) => [component.ref, ordinal]));
  const edges = sorted.map(({ dependsOn }) => [...new Set(dependsOn.flatMap((ref) => ordinalOf.get(ref) ?? []))].sort((a, b) => a - b));
  const depths = depthsFrom(sorted.flatMap((component, ordinal) => (component.direct === true ? [ordinal] : [])), edges);
  return sorted.map((component, ordinal) => ({ component, ordinal, dependsOn: edges[ordinal] ?? [], depth: depths[ordinal] ?? null }));
}

function depthsFrom(direct: readonly number[], edges: readonly (readonly number[])[]): (number | undefined)[] {
  const depths: (number | undefined)[] = new Array<number | undefined>(edges.length).fill(undefined);
  let frontier = [...direct];
  for (let depth = 1; frontier.length > 0; depth += 1) {
    const fresh = frontier.filter((node) => depths[node] === undefined);
    for (const node of fresh) depths[node] = depth;
    frontier = [...new Set(fresh.flatMap((node) => edges[node] ?? []))].filter((node) => depths[node] === undefined);
  }
  return depths;
}

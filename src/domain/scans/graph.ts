/** The dependency graph of a scan: ordinals, edges between them, depths and paths. */
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

/** A node as paths need it. */
export interface PathNode {
  ordinal: number;
  direct: boolean | null;
  depends_on: readonly number[];
}

/** Shortest paths from direct dependencies to `target`, at most `limit`, as ordinals; nodes must be in ordinal order. */
export function pathsTo(nodes: readonly PathNode[], target: number, limit: number): number[][] {
  const dependents = new Map<number, number[]>();
  for (const { ordinal, depends_on } of nodes) for (const child of depends_on) dependents.set(child, [...(dependents.get(child) ?? []), ordinal]);
  const isDirect = new Set(nodes.filter((node) => node.direct === true).map((node) => node.ordinal));
  const found: number[][] = [];
  const seen = new Set([target]);
  let frontier: number[][] = [[target]];
  while (frontier.length > 0 && found.length < limit) {
    const next: number[][] = [];
    for (const path of frontier) {
      const head = path[0] ?? target;
      if (isDirect.has(head)) found.push(path);
      for (const parent of dependents.get(head) ?? []) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        next.push([parent, ...path]);
      }
    }
    frontier = next;
  }
  return found.slice(0, limit);
}

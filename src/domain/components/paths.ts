/** How a component comes into the product: paths from direct dependencies, in time linear in the graph, whatever its cycles and diamonds. */

/** Who depends on whom, as edges from below: the parents of node n are `parents[starts[n]]` to `parents[starts[n + 1] - 1]`, by ordinal. */
export interface Upward {
  isDirect: Uint8Array;
  starts: Int32Array;
  parents: Int32Array;
}

const SEMICOLON = 59;
const STAR = 42;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Reads the text of db/scan-graph.ts. */
export function readUpward(text: string): Upward {
  const from: number[] = [];
  const to: number[] = [];
  const direct: number[] = [];
  let node = 0;
  let value = -1;
  for (let at = 0; at <= text.length; at += 1) {
    const code = at === text.length ? SEMICOLON : text.charCodeAt(at);
    if (isDigit(code)) {
      value = Math.max(value, 0) * 10 + code - 48;
      continue;
    }
    if (code === STAR) direct.push(node);
    if (value >= 0) {
      from.push(node);
      to.push(value);
      value = -1;
    }
    if (code === SEMICOLON) node += 1;
  }
  const isDirect = new Uint8Array(node);
  for (const one of direct) isDirect[one] = 1;
  return { isDirect, ...byChild(node, from, to) };
}

function byChild(size: number, from: readonly number[], to: readonly number[]): Pick<Upward, 'starts' | 'parents'> {
  const starts = new Int32Array(size + 1);
  for (const child of to) if (child < size) starts[child + 1] = (starts[child + 1] ?? 0) + 1;
  for (let node = 0; node < size; node += 1) starts[node + 1] = (starts[node + 1] ?? 0) + (starts[node] ?? 0);
  const parents = new Int32Array(starts[size] ?? 0);
  const next = starts.slice();
  to.forEach((child, edge) => {
    if (child >= size) return;
    const place = next[child] ?? 0;
    parents[place] = from[edge] ?? 0;
    next[child] = place + 1;
  });
  return { starts, parents };
}

export interface Paths {
  /** Ordinals, from a direct dependency to the target; the shortest first. */
  paths: number[][];
  truncated: boolean;
}

/** @param graph the text of db/scan-graph.ts */
export const pathsTo = (graph: string, target: number, bounds: { limit: number; maxLength: number }): Paths => pathsIn(readUpward(graph), target, bounds);

/**
 * For each direct dependency that leads to `target` one of the shortest paths from it, at most `limit` of them; of a path longer than `maxLength`
 * its end.
 */
export function pathsIn({ isDirect, starts, parents }: Upward, target: number, { limit, maxLength }: { limit: number; maxLength: number }): Paths {
  const towards = new Int32Array(isDirect.length).fill(-1); // the next node on the way to the target; the target's is itself
  towards[target] = target;
  const queue = [target];
  const found: number[] = [];
  for (let head = 0; head < queue.length && found.length <= limit; head += 1) {
    const node = queue[head] ?? target;
    if (isDirect[node] === 1) found.push(node);
    for (let at = starts[node] ?? 0; at < (starts[node + 1] ?? 0); at += 1) {
      const parent = parents[at] ?? 0;
      if (towards[parent] !== -1) continue;
      towards[parent] = node;
      queue.push(parent);
    }
  }
  const whole = found.slice(0, limit).map((start) => walk(start, target, towards));
  return { paths: whole.map((path) => path.slice(-maxLength)), truncated: found.length > limit || whole.some((path) => path.length > maxLength) };
}

function walk(start: number, target: number, towards: Int32Array): number[] {
  const path = [start];
  for (let node = start; node !== target;) {
    node = towards[node] ?? target;
    path.push(node);
  }
  return path;
}

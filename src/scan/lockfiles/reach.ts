/** Scopes that a lock file does not state, found by following its edges from what the manifest asks for. */
import type { DependencyScope } from '../../core/component.ts';

/** Direct dependencies by key, each with the scope in which it is asked for. */
export type Roots = ReadonlyMap<string, DependencyScope>;

const ORDER = ['required', 'optional', 'dev'] as const;

type Edges = (key: string) => readonly string[];
const NONE: Edges = () => [];

/**
 * Scope of every key that can be reached: the strongest one of the ways that lead to it; an optional edge makes a required way optional.
 * What no root reaches is not in the answer.
 */
export function scopesFrom(roots: Roots, edges: Edges, optionalEdges: Edges = NONE): Map<string, DependencyScope> {
  const scopes = new Map<string, DependencyScope>();
  const weaker: string[] = [];
  for (const scope of ORDER) {
    const waiting = [...roots].filter(([, wanted]) => wanted === scope).map(([key]) => key);
    if (scope === 'optional') waiting.push(...weaker);
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      if (scopes.has(key)) continue;
      scopes.set(key, scope);
      waiting.push(...edges(key));
      (scope === 'required' ? weaker : waiting).push(...optionalEdges(key));
    }
  }
  return scopes;
}

/** Adds a root; the stronger scope stays. */
export function addRoot(roots: Map<string, DependencyScope>, key: string, scope: (typeof ORDER)[number]): void {
  const known = roots.get(key);
  if (known === undefined || ORDER.findIndex((one) => one === known) > ORDER.indexOf(scope)) roots.set(key, scope);
}

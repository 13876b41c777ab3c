/** The dependency graph of a scan, whole and around one component. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/**
 * All edges in one compact text: a part for each ordinal, split by `;`, that holds `*` for a direct dependency and the ordinals that it depends
 * on, split by `,`.
 */
export async function scanGraph(db: Db, scanId: string): Promise<string> {
  const { rows } = await sql<{ graph: string | null }>`
    SELECT string_agg(CASE WHEN direct THEN '*' ELSE '' END || array_to_string(depends_on, ','), ';' ORDER BY ordinal) AS graph FROM scan_components WHERE scan_id = ${scanId}`.execute(db);
  return rows[0]?.graph ?? '';
}

export interface Neighbours {
  dependencies: number[];
  dependency_count: number;
  dependents: number[];
  dependent_count: number;
  /** Of the whole graph. */
  edges: number;
}

/** Ordinals of what a component depends on, and of what depends on it, at most `limit` each; how many there are, and how large the graph is. */
export async function neighboursOf(db: Db, scanId: string, ordinal: number, limit: number): Promise<Neighbours> {
  const { rows } = await sql<Neighbours>`
    WITH scan AS (
      SELECT array_agg(ordinal ORDER BY ordinal) FILTER (WHERE depends_on @> ARRAY[${ordinal}]::int[]) AS dependents, sum(cardinality(depends_on)) AS edges
      FROM scan_components WHERE scan_id = ${scanId})
    SELECT sc.depends_on[1:${limit}::int] AS dependencies, cardinality(sc.depends_on) AS dependency_count,
      coalesce(s.dependents[1:${limit}::int], '{}') AS dependents, coalesce(cardinality(s.dependents), 0) AS dependent_count, s.edges
    FROM scan_components sc CROSS JOIN scan s WHERE sc.scan_id = ${scanId} AND sc.ordinal = ${ordinal}`.execute(db);
  return rows[0] ?? { dependencies: [], dependency_count: 0, dependents: [], dependent_count: 0, edges: 0 };
}

export interface NodeRow {
  ordinal: number;
  id: string;
  purl: string;
}

export async function nodesAt(db: Db, scanId: string, ordinals: readonly number[]): Promise<NodeRow[]> {
  const { rows } = await sql<NodeRow>`
    SELECT sc.ordinal, c.id, c.purl FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE sc.scan_id = ${scanId} AND sc.ordinal = ANY(${ordinals}::int[])`.execute(db);
  return rows;
}

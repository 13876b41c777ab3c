/** The dependency graph of a scan, whole and around one component. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/**
 * All edges in one compact text: a part for each ordinal, split by `;`, that holds `*` for a direct dependency and the ordinals that it depends
 * on, split by `,`. Null where the graph has more than `maxEdges`.
 */
export async function scanGraph(db: Db, scanId: string, maxEdges: number): Promise<string | null> {
  const { rows } = await sql<{ graph: string | null }>`
    SELECT CASE WHEN (SELECT sum(cardinality(depends_on)) FROM scan_components WHERE scan_id = ${scanId}) <= ${maxEdges} THEN (
      SELECT string_agg(CASE WHEN direct THEN '*' ELSE '' END || array_to_string(depends_on, ','), ';' ORDER BY ordinal) FROM scan_components WHERE scan_id = ${scanId}
    ) END AS graph`.execute(db);
  return rows[0]?.graph ?? null;
}

export interface Neighbours {
  dependencies: number[];
  dependency_count: number;
  dependents: number[];
  dependent_count: number;
}

/** Ordinals of what a component depends on, and of what depends on it, at most `limit` each; and how many there are. */
export async function neighboursOf(db: Db, scanId: string, ordinal: number, limit: number): Promise<Neighbours> {
  const { rows } = await sql<Neighbours>`
    WITH dependents AS (SELECT array_agg(ordinal ORDER BY ordinal) AS ordinals FROM scan_components WHERE scan_id = ${scanId} AND depends_on @> ARRAY[${ordinal}]::int[])
    SELECT sc.depends_on[1:${limit}::int] AS dependencies, cardinality(sc.depends_on) AS dependency_count,
      coalesce(d.ordinals[1:${limit}::int], '{}') AS dependents, coalesce(cardinality(d.ordinals), 0) AS dependent_count
    FROM scan_components sc CROSS JOIN dependents d WHERE sc.scan_id = ${scanId} AND sc.ordinal = ${ordinal}`.execute(db);
  return rows[0] ?? { dependencies: [], dependency_count: 0, dependents: [], dependent_count: 0 };
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

/** What documents say of a scan beside its rows of components and findings. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/** Changes whenever a component of the scan, or what is concluded of its licence, does. */
export async function contentState(db: Db, scanId: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    SELECT concat_ws('/', count(*), bit_xor(hashtextextended(concat_ws('|', ordinal, license_expression, license_concluded, license_detected, scope), 0))) AS state
    FROM scan_components WHERE scan_id = ${scanId}`.execute(db);
  return rows[0]?.state ?? '';
}

/** Texts that the scan's source brought for licences that are on no list, by `LicenseRef-...`. */
export async function licenseTexts(db: Db, scanId: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ spdx_id: string; text: string }>`SELECT spdx_id, text FROM scan_license_texts WHERE scan_id = ${scanId}`.execute(db);
  return new Map(rows.map((row) => [row.spdx_id, row.text]));
}

/** Number of components under each licence expression, the most frequent first; null where none is known. */
export async function licenseCounts(db: Db, scanId: string, scopes: readonly string[]): Promise<{ expression: string | null; count: number }[]> {
  const { rows } = await sql<{ expression: string | null; count: number }>`
    SELECT license_expression AS expression, count(*)::int AS count FROM scan_components
    WHERE scan_id = ${scanId} AND scope = ANY(${scopes}) GROUP BY 1 ORDER BY 2 DESC, 1 COLLATE "C" NULLS LAST`.execute(db);
  return rows;
}

/** Who answers for a document: the team that owns the project. */
export async function teamName(db: Db, teamId: string): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM teams WHERE id = ${teamId}`.execute(db);
  return rows[0]?.name ?? '';
}

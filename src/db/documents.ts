/** What documents say of a scan beside its rows of components and findings. */
import { sql } from 'kysely';
import type { Db } from './connect.ts';

/** Changes whenever what is said of a component of the scan does: later scans may rename it or know its release, people conclude its licence. */
export async function contentState(db: Db, scanId: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    SELECT concat_ws('/', count(*), bit_xor(hashtextextended(concat_ws('|', sc.ordinal, c.purl, c.installed, sc.license_expression, sc.license_concluded, sc.license_detected), 0))) AS state
    FROM scan_components sc JOIN components c ON c.id = sc.component_id WHERE sc.scan_id = ${scanId}`.execute(db);
  return rows[0]?.state ?? '';
}

/** Texts that the scan's source brought for licences that are on no list, by `LicenseRef-...`. */
export async function licenseTexts(db: Db, scanId: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ spdx_id: string; text: string }>`SELECT spdx_id, text FROM scan_license_texts WHERE scan_id = ${scanId}`.execute(db);
  return new Map(rows.map((row) => [row.spdx_id, row.text]));
}

/** Who answers for a document: the team that owns the project. */
export async function teamName(db: Db, teamId: string): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM teams WHERE id = ${teamId}`.execute(db);
  return rows[0]?.name ?? '';
}

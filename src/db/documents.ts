/** What documents say of a scan beside its rows of components and findings. */
import { sql } from 'kysely';
import { EFFECTIVE_LICENSE } from './components.ts';
import type { Db } from './connect.ts';
import { SHIPPED } from './obligations.ts';

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

export interface NoticeGroup {
  /** Null where none is known. */
  license: string | null;
  /** Places of its components in the scan. */
  ordinals: number[];
}

/** What reaches users, by the licence that it is judged by; what has none comes last. */
export async function shippedByLicense(db: Db, scanId: string): Promise<NoticeGroup[]> {
  const { rows } = await sql<NoticeGroup>`
    SELECT ${EFFECTIVE_LICENSE} AS license, array_agg(sc.ordinal ORDER BY sc.ordinal) AS ordinals FROM scan_components sc
    WHERE sc.scan_id = ${scanId} AND ${SHIPPED} GROUP BY 1 ORDER BY ${EFFECTIVE_LICENSE} COLLATE "C" NULLS LAST`.execute(db);
  return rows;
}

export interface NoticeRow {
  name: string;
  version: string;
  purl: string;
  copyright: string | null;
}

/** Components at these places of a scan, in their order, a batch at a time. */
export async function* noticeRows(db: Db, scanId: string, ordinals: readonly number[], batch = 2_000): AsyncGenerator<NoticeRow[]> {
  for (let start = 0; start < ordinals.length; start += batch) {
    const { rows } = await sql<NoticeRow>`
      SELECT concat_ws('/', nullif(pk.namespace, ''), pk.name) AS name, pv.version, c.purl, sc.copyright
      FROM unnest(${ordinals.slice(start, start + batch)}::int[]) WITH ORDINALITY AS page (ordinal, place) JOIN scan_components sc ON sc.scan_id = ${scanId} AND sc.ordinal = page.ordinal
      JOIN components c ON c.id = sc.component_id JOIN package_versions pv ON pv.id = sc.package_version_id JOIN packages pk ON pk.id = pv.package_id
      ORDER BY page.place`.execute(db);
    yield rows;
  }
}

/** Who answers for a document: the team that owns the project. */
export async function teamName(db: Db, teamId: string): Promise<string> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM teams WHERE id = ${teamId}`.execute(db);
  return rows[0]?.name ?? '';
}

/** What obligations are computed from, and how far projects have come with them. */
import { sql } from 'kysely';
import { EFFECTIVE_LICENSE } from './components.ts';
import type { Db, Tx } from './connect.ts';
import type { AffectedComponentRow } from './licenses.ts';

/** Components that reach users; what only builds or tests the product does not. */
export const SHIPPED = sql`sc.scope IN ('required', 'optional')`;

/** Expressions of a scan's components that are part of the product, with how many have each, and the ordinal of the one that is nearest to the root. */
export async function shippedLicenses(db: Db, scanId: string): Promise<{ expression: string; count: number; nearest: number }[]> {
  const { rows } = await sql<{ expression: string; count: number; nearest: number }>`
    SELECT ${EFFECTIVE_LICENSE} AS expression, count(*)::int AS count, (array_agg(sc.ordinal ORDER BY sc.depth NULLS LAST, sc.ordinal))[1] AS nearest FROM scan_components sc
    WHERE sc.scan_id = ${scanId} AND ${SHIPPED} AND ${EFFECTIVE_LICENSE} IS NOT NULL GROUP BY 1 ORDER BY 1`.execute(db);
  return rows;
}

/** What the licence files of the scanned product itself say; null where the scan has none. */
export async function ownLicense(db: Db, scanId: string): Promise<string | null> {
  const { rows } = await sql<{ own_license: string | null }>`SELECT own_license FROM scans WHERE id = ${scanId}`.execute(db);
  return rows[0]?.own_license ?? null;
}

/** The first of the shipped components that have one of the expressions. */
export async function componentsWithLicense(db: Db, scanId: string, expressions: readonly string[], limit: number): Promise<AffectedComponentRow[]> {
  const { rows } = await sql<AffectedComponentRow>`
    SELECT c.id AS component_id, pk.name AS component_name, pv.version, c.purl
    FROM scan_components sc JOIN components c ON c.id = sc.component_id
    JOIN package_versions pv ON pv.id = sc.package_version_id JOIN packages pk ON pk.id = pv.package_id
    WHERE sc.scan_id = ${scanId} AND ${SHIPPED} AND ${EFFECTIVE_LICENSE} = ANY(${expressions}) ORDER BY sc.ordinal LIMIT ${limit}`.execute(db);
  return rows;
}

/** Rows of these licences, by SPDX id. */
export async function licensesByIds(db: Db, spdxIds: readonly string[]): Promise<Map<string, { id: string; name: string; created_at: string }>> {
  const { rows } = await sql<{ id: string; spdx_id: string; name: string; created_at: string }>`SELECT id, spdx_id, name, created_at FROM licenses WHERE spdx_id = ANY(${spdxIds})`.execute(db);
  return new Map(rows.map(({ spdx_id, ...row }) => [spdx_id, row]));
}

export type FulfilmentState = 'open' | 'in_progress' | 'fulfilled' | 'not_applicable';

export interface FulfilmentRow {
  obligation_id: string;
  status: FulfilmentState;
  note: string | null;
  updated_by_user_id: string | null;
  version: number;
  updated_at: string;
}

export async function fulfilmentsOf(db: Db, projectId: string): Promise<Map<string, FulfilmentRow>> {
  const { rows } = await sql<FulfilmentRow>`
    SELECT obligation_id, state AS status, note, updated_by_user_id, version, updated_at FROM obligation_fulfilments WHERE project_id = ${projectId}`.execute(db);
  return new Map(rows.map((row) => [row.obligation_id, row]));
}

export interface Fulfilment {
  projectId: string;
  obligationId: string;
  status: FulfilmentState;
  note: string | null;
  userId: string | null;
}

/** Writes the state where it still has this version (1: nobody has touched it); false where it has not. */
export async function writeFulfilment(tx: Tx, fulfilment: Fulfilment, version: number): Promise<boolean> {
  const { projectId, obligationId, status, note, userId } = fulfilment;
  const { numAffectedRows } = version === 1
    ? await sql`
      INSERT INTO obligation_fulfilments (project_id, obligation_id, state, note, updated_by_user_id) VALUES (${projectId}, ${obligationId}, ${status}, ${note}, ${userId})
      ON CONFLICT DO NOTHING`.execute(tx)
    : await sql`
      UPDATE obligation_fulfilments SET state = ${status}, note = ${note}, updated_by_user_id = ${userId}, version = version + 1, updated_at = now()
      WHERE project_id = ${projectId} AND obligation_id = ${obligationId} AND version = ${version}`.execute(tx);
  return numAffectedRows === 1n;
}

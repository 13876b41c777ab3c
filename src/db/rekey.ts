/** Stored identities and keys of package versions that older code made. */
import { sql } from 'kysely';
import { coordinatesOf } from '../advisories/coordinates.ts';
import { versionKey } from '../advisories/versions/index.ts';
import { parsePurl, parseQualifiers } from '../core/purl.ts';
import type { Tx } from './connect.ts';
import { addVersions, KEY_REVISION, MATCH_ECOSYSTEM, MATCH_VERSION, type PackageVersion } from './packages.ts';

interface StaleRow {
  id: number;
  package_id: number;
  type: string;
  namespace: string;
  name: string;
  /** By which the package is looked up. */
  package_ecosystem: string | null;
  package_match_name: string | null;
  own_ecosystem: string | null;
  match_version: string;
  version_key: string | null;
}

const BATCH = 2_000;
/** Types of package URLs of which one version can have several identities: qualifiers or subpath count. */
const VARYING = ['deb', 'rpm', 'apk', 'golang'];

/** Whether any is left. An index's first entry. */
export async function hasStaleVersions(tx: Tx): Promise<boolean> {
  const { rows } = await sql`SELECT FROM package_versions WHERE key_revision < ${sql.lit(KEY_REVISION)} LIMIT 1`.execute(tx);
  return rows.length > 0;
}

/**
 * Makes the next of them anew. The caller holds the matching lock exclusively.
 * @returns how many were looked at, and the ids of those that must be matched again, the new ones of components that moved included
 */
export async function rekeyVersions(tx: Tx): Promise<{ seen: number; changed: number[] }> {
  const { rows } = await sql<StaleRow>`
    SELECT pv.id, pk.id AS package_id, pk.type, pk.namespace, pk.name, pk.ecosystem AS package_ecosystem, pk.match_name AS package_match_name, ${MATCH_ECOSYSTEM} AS own_ecosystem,
      ${MATCH_VERSION} AS match_version, encode(pv.version_key, 'hex') AS version_key
    FROM package_versions pv JOIN packages pk ON pk.id = pv.package_id WHERE pv.key_revision < ${sql.lit(KEY_REVISION)} ORDER BY pv.key_revision, pv.id LIMIT ${BATCH}`.execute(tx);
  const renamed = await renamePackages(tx, rows);
  const keyed = rows.map((row) => ({ row, key: versionKey(renamed.get(row.package_id)?.ecosystem ?? row.own_ecosystem, row.match_version) }));
  await sql`
    UPDATE package_versions v SET version_key = t.key, key_revision = ${sql.lit(KEY_REVISION)}
    FROM unnest(${rows.map((row) => row.id)}::bigint[], ${keyed.map(({ key }) => key)}::bytea[]) AS t (id, key) WHERE v.id = t.id`.execute(tx);
  const moved = await moveComponents(tx, rows.filter((row) => VARYING.includes(row.type)).map((row) => row.id));
  const changed = keyed.filter(({ row, key }) => renamed.has(row.package_id) || (key?.toString('hex') ?? null) !== row.version_key).map(({ row }) => row.id);
  return { seen: rows.length, changed: [...new Set([...changed, ...moved])] };
}

/** Packages whose ecosystem or name is another one to this code; all their versions are matched again. */
async function renamePackages(tx: Tx, rows: readonly StaleRow[]): Promise<Map<number, { ecosystem: string | null; matchName: string | null }>> {
  const renamed = new Map(rows.flatMap((row) => {
    const now = coordinatesOf(row);
    const same = (now?.ecosystem ?? null) === row.package_ecosystem && (now?.matchName ?? null) === row.package_match_name;
    return same ? [] : [[row.package_id, { ecosystem: now?.ecosystem ?? null, matchName: now?.matchName ?? null }] as const];
  }));
  if (renamed.size > 0) {
    await sql`
      UPDATE packages p SET ecosystem = t.ecosystem, match_name = t.match_name
      FROM unnest(${[...renamed.keys()]}::bigint[], ${[...renamed.values()].map((one) => one.ecosystem)}::text[], ${[...renamed.values()].map((one) => one.matchName)}::text[]) AS t (id, ecosystem, match_name)
      WHERE p.id = t.id`.execute(tx);
  }
  return renamed;
}

/** Gives components whose package URL tells another identity than their version has the version of that identity. @returns ids of the versions left and of those taken */
async function moveComponents(tx: Tx, versionIds: readonly number[]): Promise<number[]> {
  const { rows } = await sql<{ id: number; purl: string; installed: string | null; version: string }>`
    SELECT DISTINCT c.package_version_id AS id, c.purl, c.installed, pv.version FROM components c JOIN package_versions pv ON pv.id = c.package_version_id
    WHERE c.package_version_id = ANY(${versionIds}::bigint[]) ORDER BY 1, 2, 3`.execute(tx);
  const wanted = rows.map(({ purl, installed, version }): PackageVersion => {
    const { type, namespace, name, qualifiers, subpath } = parsePurl(purl);
    return { type, namespace: namespace ?? '', name, version, qualifiers: new Map([...qualifiers, ...parseQualifiers(installed ?? '')]), subpath };
  });
  const ids = await addVersions(tx, wanted);
  const moves = rows.flatMap(({ id, purl, installed }, index) => (ids[index] === undefined || ids[index] === id ? [] : [{ from: id, purl, installed, to: ids[index] }]));
  if (moves.length === 0) return [];
  await sql`
    WITH moved AS (
      UPDATE components c SET package_version_id = t.target
      FROM unnest(${moves.map((move) => move.from)}::bigint[], ${moves.map((move) => move.purl)}::text[], ${moves.map((move) => move.installed)}::text[], ${moves.map((move) => move.to)}::bigint[]) AS t (source, purl, installed, target)
      WHERE c.package_version_id = t.source AND c.purl = t.purl AND c.installed IS NOT DISTINCT FROM t.installed RETURNING c.id, c.package_version_id
    )
    UPDATE scan_components sc SET package_version_id = m.package_version_id FROM moved m WHERE sc.component_id = m.id`.execute(tx);
  return moves.flatMap((move) => [move.from, move.to]);
}

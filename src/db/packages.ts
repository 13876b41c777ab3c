/** Packages and their versions, shared by all projects. */
import { sql } from 'kysely';
import { coordinatesOf } from '../advisories/coordinates.ts';
import { versionKey } from '../advisories/versions/index.ts';
import type { Db } from './connect.ts';
import { inTransaction } from './transaction.ts';

/** As in a package URL: namespace empty where there is none, version empty where it is not known. */
export interface PackageVersion {
  type: string;
  namespace: string;
  name: string;
  version: string;
}

const BATCH = 10_000;

/** Ids of these package versions, in the same order; what is missing is added. */
export async function ensurePackageVersions(db: Db, versions: readonly PackageVersion[]): Promise<number[]> {
  const ids: number[] = [];
  for (let start = 0; start < versions.length; start += BATCH) ids.push(...(await ensureBatch(db, versions.slice(start, start + BATCH))));
  return ids;
}

async function ensureBatch(db: Db, versions: readonly PackageVersion[]): Promise<number[]> {
  const column = (name: keyof PackageVersion): string[] => versions.map((version) => version[name]);
  const coordinates = versions.map(coordinatesOf);
  const keys = versions.map((version, index) => versionKey(coordinates[index]?.ecosystem ?? null, version.version));
  const wanted = sql`unnest(${column('type')}::text[], ${column('namespace')}::text[], ${column('name')}::text[], ${column('version')}::text[],
      ${coordinates.map((one) => one?.ecosystem ?? null)}::text[], ${coordinates.map((one) => one?.matchName ?? null)}::text[], ${keys}::bytea[])
    WITH ORDINALITY AS w (type, namespace, name, version, ecosystem, match_name, version_key, place)`;
  const same = sql`p.type = w.type AND p.namespace = w.namespace AND p.name = w.name`;
  // Rows go in by one order for all, so that two scans at once cannot deadlock.
  return inTransaction(db, async (tx) => {
    await sql`
      INSERT INTO packages (type, namespace, name, ecosystem, match_name)
      SELECT DISTINCT w.type, w.namespace, w.name, w.ecosystem, w.match_name FROM ${wanted}
      WHERE NOT EXISTS (SELECT FROM packages p WHERE ${same})
      ORDER BY 1, 2, 3 ON CONFLICT (type, namespace, name) DO NOTHING`.execute(tx);
    await sql`
      INSERT INTO package_versions (package_id, version, version_key)
      SELECT DISTINCT p.id, w.version, w.version_key FROM ${wanted} JOIN packages p ON ${same}
      WHERE NOT EXISTS (SELECT FROM package_versions v WHERE v.package_id = p.id AND v.version = w.version)
      ORDER BY 1, 2 ON CONFLICT (package_id, version) DO NOTHING`.execute(tx);
    const { rows } = await sql<{ id: number }>`
      SELECT v.id FROM ${wanted} JOIN packages p ON ${same} JOIN package_versions v ON v.package_id = p.id AND v.version = w.version ORDER BY w.place`.execute(tx);
    if (rows.length !== versions.length) throw new Error(`${rows.length} of ${versions.length} package versions have an id`);
    return rows.map((row) => row.id);
  });
}

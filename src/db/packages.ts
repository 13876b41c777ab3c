/** Packages and their versions, shared by all projects. */
import { sql, type RawBuilder } from 'kysely';
import { coordinatesOf, matchVersion } from '../advisories/coordinates.ts';
import { versionKey } from '../advisories/versions/index.ts';
import type { Db, Tx } from './connect.ts';
import { inTransaction } from './transaction.ts';

/** As in a package URL: namespace empty where there is none, version empty where it is not known. Qualifiers and subpath say by what it is matched. */
export interface PackageVersion {
  type: string;
  namespace: string;
  name: string;
  version: string;
  qualifiers?: ReadonlyMap<string, string>;
  subpath?: string | null;
}

/** Part of every stored identity and key: one more whenever the code makes others of the same package URL. */
export const KEY_REVISION = 2;

/** Ecosystem and name by which package version `pv` of package `pk` is looked up in advisories. */
export const MATCH_ECOSYSTEM = sql.raw('coalesce(pv.ecosystem, pk.ecosystem)');
export const MATCH_NAME = sql.raw('coalesce(pv.match_name, pk.match_name)');
/** The version that advisories speak of. */
export const MATCH_VERSION = sql.raw('coalesce(pv.match_version, pv.version)');

interface Identity {
  /** Of the package, whichever distribution it is installed on. */
  ecosystem: string | null;
  matchName: string | null;
  /** Of the version, null where they are the package's. */
  ownEcosystem: string | null;
  ownName: string | null;
  ownVersion: string | null;
  key: Buffer | null;
}

function identityOf(named: PackageVersion): Identity {
  const general = coordinatesOf({ type: named.type, namespace: named.namespace, name: named.name });
  const own = coordinatesOf(named);
  const version = matchVersion(named);
  const differs = own !== null && (own.ecosystem !== general?.ecosystem || own.matchName !== general.matchName);
  return {
    ecosystem: general?.ecosystem ?? null, matchName: general?.matchName ?? null, ownEcosystem: differs ? own.ecosystem : null, ownName: differs ? own.matchName : null,
    ownVersion: version === named.version ? null : version, key: versionKey(own?.ecosystem ?? null, version),
  };
}

const BATCH = 10_000;

/** Ids of these package versions, in the same order; what is missing is added. */
export async function ensurePackageVersions(db: Db, versions: readonly PackageVersion[]): Promise<number[]> {
  const ids: number[] = [];
  for (let start = 0; start < versions.length; start += BATCH) ids.push(...(await inTransaction(db, (tx) => addVersions(tx, versions.slice(start, start + BATCH)))));
  return ids;
}

/** The versions as rows `w`, in their order (`place`, from 1). */
function wantedRows(versions: readonly PackageVersion[]): RawBuilder<unknown> {
  const column = (name: 'type' | 'namespace' | 'name' | 'version'): string[] => versions.map((version) => version[name]);
  const identities = versions.map(identityOf);
  const part = <K extends keyof Identity>(name: K): Identity[K][] => identities.map((identity) => identity[name]);
  return sql`unnest(${column('type')}::text[], ${column('namespace')}::text[], ${column('name')}::text[], ${column('version')}::text[], ${part('ecosystem')}::text[], ${part('matchName')}::text[],
      ${part('ownEcosystem')}::text[], ${part('ownName')}::text[], ${part('ownVersion')}::text[], ${part('key')}::bytea[])
    WITH ORDINALITY AS w (type, namespace, name, version, ecosystem, match_name, own_ecosystem, own_name, own_version, version_key, place)`;
}

const SAME_PACKAGE = sql`p.type = w.type AND p.namespace = w.namespace AND p.name = w.name`;
const SAME_VERSION = sql`v.package_id = p.id AND v.version = w.version AND v.ecosystem IS NOT DISTINCT FROM w.own_ecosystem AND v.match_name IS NOT DISTINCT FROM w.own_name
  AND v.match_version IS NOT DISTINCT FROM w.own_version`;

/** The same in a transaction of the caller's. Rows go in by one order for all, so that two scans at once cannot deadlock. */
export async function addVersions(tx: Tx, versions: readonly PackageVersion[]): Promise<number[]> {
  const wanted = wantedRows(versions);
  await sql`
    INSERT INTO packages (type, namespace, name, ecosystem, match_name)
    SELECT DISTINCT w.type, w.namespace, w.name, w.ecosystem, w.match_name FROM ${wanted}
    WHERE NOT EXISTS (SELECT FROM packages p WHERE ${SAME_PACKAGE})
    ORDER BY 1, 2, 3 ON CONFLICT (type, namespace, name) DO NOTHING`.execute(tx);
  await sql`
    INSERT INTO package_versions (package_id, version, ecosystem, match_name, match_version, version_key, key_revision)
    SELECT DISTINCT p.id, w.version, w.own_ecosystem, w.own_name, w.own_version, w.version_key, ${sql.lit(KEY_REVISION)}::smallint FROM ${wanted} JOIN packages p ON ${SAME_PACKAGE}
    WHERE NOT EXISTS (SELECT FROM package_versions v WHERE ${SAME_VERSION})
    ORDER BY 1, 2, 3, 4, 5 ON CONFLICT ON CONSTRAINT package_versions_identity DO NOTHING`.execute(tx);
  const { rows } = await sql<{ id: number }>`
    SELECT v.id FROM ${wanted} JOIN packages p ON ${SAME_PACKAGE} JOIN package_versions v ON ${SAME_VERSION} ORDER BY w.place`.execute(tx);
  if (rows.length !== versions.length) throw new Error(`${rows.length} of ${versions.length} package versions have an id`);
  return rows.map((row) => row.id);
}

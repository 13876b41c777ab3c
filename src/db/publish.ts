/** Writes a scan's results: set-based, in the transaction that makes them visible. */
import { sql } from 'kysely';
import type { Tx } from './connect.ts';

/** One component of a scan, ready for its rows. Arrays of these run parallel to the scan's ordinals. */
export interface ScanComponentRow {
  packageVersionId: number;
  purl: string;
  ordinal: number;
  dependsOn: readonly number[];
  direct: boolean | null;
  depth: number | null;
  scope: string;
  type: string;
  licenseExpression: string | null;
  licenseDeclared: string | null;
  licenseTier: string;
  supplier: string | null;
  copyright: string | null;
  description: string | null;
  hashes: string;
  evidence: string | null;
}

const BATCH = 10_000;

/** Adds the project's new components and links all of them to the scan. */
export async function insertScanComponents(tx: Tx, scan: { id: string; projectId: string }, rows: readonly ScanComponentRow[]): Promise<void> {
  await sql`DELETE FROM scan_components WHERE scan_id = ${scan.id}`.execute(tx);
  for (let start = 0; start < rows.length; start += BATCH) await insertBatch(tx, scan, rows.slice(start, start + BATCH));
}

async function insertBatch(tx: Tx, scan: { id: string; projectId: string }, rows: readonly ScanComponentRow[]): Promise<void> {
  const column = <K extends keyof ScanComponentRow>(name: K): ScanComponentRow[K][] => rows.map((row) => row[name]);
  await sql`
    INSERT INTO components (project_id, package_version_id, purl)
    SELECT ${scan.projectId}, version, purl FROM unnest(${column('packageVersionId')}::bigint[], ${column('purl')}::text[]) AS t (version, purl)
    ON CONFLICT (project_id, purl) DO NOTHING`.execute(tx);
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, depends_on, direct, depth, scope, type,
      license_expression, license_declared, license_tier, supplier, copyright, description, hashes, evidence)
    SELECT ${scan.id}, c.id, c.package_version_id, t.ordinal, t.depends_on::int[], t.direct, t.depth, t.scope, t.type,
      t.license_expression, t.license_declared, t.license_tier, t.supplier, t.copyright, t.description, t.hashes::jsonb, t.evidence
    FROM unnest(${column('purl')}::text[], ${column('ordinal')}::int[], ${rows.map((row) => `{${row.dependsOn.join(',')}}`)}::text[],
      ${column('direct')}::boolean[], ${column('depth')}::int[], ${column('scope')}::text[], ${column('type')}::text[],
      ${column('licenseExpression')}::text[], ${column('licenseDeclared')}::text[], ${column('licenseTier')}::text[],
      ${column('supplier')}::text[], ${column('copyright')}::text[], ${column('description')}::text[], ${column('hashes')}::text[], ${column('evidence')}::text[])
      AS t (purl, ordinal, depends_on, direct, depth, scope, type, license_expression, license_declared, license_tier, supplier, copyright, description, hashes, evidence)
    JOIN components c ON c.project_id = ${scan.projectId} AND c.purl = t.purl`.execute(tx);
}

/** The texts that the source brought along, in place of those of an earlier try. */
export async function replaceLicenseTexts(tx: Tx, scanId: string, texts: readonly { id: string; text: string }[]): Promise<void> {
  await sql`DELETE FROM scan_license_texts WHERE scan_id = ${scanId}`.execute(tx);
  if (texts.length === 0) return;
  await sql`
    INSERT INTO scan_license_texts (scan_id, spdx_id, text)
    SELECT ${scanId}, t.id, t.text FROM unnest(${texts.map(({ id }) => id)}::text[], ${texts.map(({ text }) => text)}::text[]) AS t (id, text)`.execute(tx);
}

export interface LicenseRow {
  spdxId: string;
  name: string;
  tier: string;
  osiApproved: boolean;
  fsfLibre: boolean | null;
  deprecated: boolean;
  referenceUrl: string | null;
}

/** Makes sure that these licences have rows; what is there is brought up to date. */
export async function ensureLicenses(tx: Tx, licenses: readonly LicenseRow[]): Promise<void> {
  const sorted = licenses.toSorted((a, b) => (a.spdxId < b.spdxId ? -1 : 1)); // one order for all, so that two scans cannot deadlock
  const column = <K extends keyof LicenseRow>(name: K): LicenseRow[K][] => sorted.map((row) => row[name]);
  await sql`
    INSERT INTO licenses AS l (spdx_id, name, tier, is_osi_approved, is_fsf_libre, is_deprecated, reference_url)
    SELECT * FROM unnest(${column('spdxId')}::text[], ${column('name')}::text[], ${column('tier')}::text[], ${column('osiApproved')}::boolean[],
      ${column('fsfLibre')}::boolean[], ${column('deprecated')}::boolean[], ${column('referenceUrl')}::text[])
    ON CONFLICT (spdx_id) DO UPDATE SET name = excluded.name, tier = excluded.tier
    WHERE (l.name, l.tier) IS DISTINCT FROM (excluded.name, excluded.tier)`.execute(tx);
}

/** Which component of the scan declares which licence; claims that the components no longer make are removed. */
export async function replaceDeclaredLicenses(tx: Tx, scan: { id: string; projectId: string }, claims: readonly { ordinal: number; spdxId: string }[]): Promise<void> {
  await sql`
    WITH claimed AS (
      SELECT sc.component_id, l.id AS license_id
      FROM unnest(${claims.map((claim) => claim.ordinal)}::int[], ${claims.map((claim) => claim.spdxId)}::text[]) AS t (ordinal, spdx_id)
      JOIN scan_components sc ON sc.scan_id = ${scan.id} AND sc.ordinal = t.ordinal
      JOIN licenses l ON l.spdx_id = t.spdx_id
    ), gone AS (
      DELETE FROM license_findings f USING scan_components sc
      WHERE sc.scan_id = ${scan.id} AND f.component_id = sc.component_id AND f.kind = 'declared'
        AND NOT EXISTS (SELECT FROM claimed c WHERE c.component_id = f.component_id AND c.license_id = f.license_id)
    )
    INSERT INTO license_findings (project_id, component_id, license_id, kind)
    SELECT DISTINCT ${scan.projectId}::uuid, component_id, license_id, 'declared' FROM claimed
    ON CONFLICT (component_id, license_id, kind) DO NOTHING`.execute(tx);
}

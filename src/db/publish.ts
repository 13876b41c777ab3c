/** Writes a scan's results: set-based, in the transaction that makes them visible. */
import { sql } from 'kysely';
import type { DependencyScope } from './components.ts';
import type { Tx } from './connect.ts';

/** One component of a scan, ready for its rows. Arrays of these run parallel to the scan's ordinals. */
export interface ScanComponentRow {
  packageVersionId: number;
  purl: string;
  ordinal: number;
  dependsOn: readonly number[];
  direct: boolean | null;
  depth: number | null;
  scope: DependencyScope;
  type: string;
  licenseExpression: string | null;
  licenseDeclared: string | null;
  licenseDetected: string | null;
  licenseTier: string;
  supplier: string | null;
  copyright: string | null;
  description: string | null;
  hashes: string;
  evidence: string | null;
  /** Qualifiers beside the package URL by which it is matched, as they stand in one. */
  installed: string | null;
  /** The package URL under which releases before this one stored the component; null where that is the same. */
  formerPurl: string | null;
  /** Place of the name, version and licence expression among the scan's, from 1. */
  nameRank: number | null;
  versionRank: number | null;
  licenseRank: number | null;
}

const BATCH = 10_000;

/** Adds the project's new components and links all of them to the scan. */
export async function insertScanComponents(tx: Tx, scan: { id: string; projectId: string }, rows: readonly ScanComponentRow[]): Promise<void> {
  await sql`DELETE FROM scan_components WHERE scan_id = ${scan.id}`.execute(tx);
  await renameComponents(tx, scan.projectId, rows);
  for (let start = 0; start < rows.length; start += BATCH) await insertBatch(tx, scan, rows.slice(start, start + BATCH));
  await sql`UPDATE scans SET license_expressions = ${expressionsByRank(rows)}::text[] WHERE id = ${scan.id}`.execute(tx);
}

function expressionsByRank(rows: readonly ScanComponentRow[]): string[] {
  const expressions: string[] = [];
  for (const { licenseRank, licenseExpression, licenseDetected } of rows) {
    const license = licenseExpression ?? licenseDetected;
    if (licenseRank !== null && license !== null) expressions[licenseRank - 1] = license;
  }
  return expressions;
}

/**
 * Names of RPMs were stored in lower case once. Their components keep ids, findings and history under the name as it is written; what was decided on the package
 * goes along.
 */
async function renameComponents(tx: Tx, projectId: string, rows: readonly ScanComponentRow[]): Promise<void> {
  const renamed = rows.filter((row) => row.formerPurl !== null);
  if (renamed.length === 0) return;
  const present = new Set(rows.map((row) => row.purl));
  const free = renamed.filter(({ formerPurl }) => formerPurl !== null && !present.has(formerPurl));
  await sql`
    WITH wanted AS (
      SELECT c.id, c.package_version_id AS source, t.purl, t.version AS target
      FROM unnest(${free.map((row) => row.formerPurl)}::text[], ${free.map((row) => row.purl)}::text[], ${free.map((row) => row.packageVersionId)}::bigint[]) AS t (former, purl, version)
      JOIN components c ON c.project_id = ${projectId} AND c.purl = t.former
      WHERE NOT EXISTS (SELECT FROM components o WHERE o.project_id = ${projectId} AND o.purl = t.purl)
    ), renamed AS (
      UPDATE components c SET purl = w.purl FROM wanted w WHERE c.id = w.id
    )
    INSERT INTO finding_decisions (project_id, package_id, vulnerability_id, status, justification, justification_code, suppressed_until, source, vex_origin, analyst_user_id, decided_at)
    SELECT DISTINCT ON (n.package_id, d.vulnerability_id) d.project_id, n.package_id, d.vulnerability_id, d.status, d.justification, d.justification_code, d.suppressed_until, d.source, d.vex_origin, d.analyst_user_id, d.decided_at
    FROM wanted w JOIN package_versions o ON o.id = w.source JOIN package_versions n ON n.id = w.target AND n.package_id <> o.package_id
    JOIN finding_decisions d ON d.project_id = ${projectId} AND d.package_id = o.package_id
    ORDER BY n.package_id, d.vulnerability_id, d.decided_at DESC
    ON CONFLICT (project_id, package_id, vulnerability_id) DO NOTHING`.execute(tx);
}

async function insertBatch(tx: Tx, scan: { id: string; projectId: string }, rows: readonly ScanComponentRow[]): Promise<void> {
  const column = <K extends keyof ScanComponentRow>(name: K): ScanComponentRow[K][] => rows.map((row) => row[name]);
  await sql`
    INSERT INTO components (project_id, package_version_id, purl, installed)
    SELECT ${scan.projectId}, version, purl, installed FROM unnest(${column('packageVersionId')}::bigint[], ${column('purl')}::text[], ${column('installed')}::text[]) AS t (version, purl, installed)
    ON CONFLICT (project_id, purl) DO UPDATE SET package_version_id = excluded.package_version_id, installed = excluded.installed
      WHERE (components.package_version_id, components.installed) IS DISTINCT FROM (excluded.package_version_id, excluded.installed)`.execute(tx);
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, depends_on, direct, depth, scope, type,
      license_expression, license_declared, license_detected, license_tier, supplier, copyright, description, hashes, evidence, search, name_rank, version_rank, license_rank)
    SELECT ${scan.id}, c.id, c.package_version_id, t.ordinal, t.depends_on::int[], t.direct, t.depth, t.scope, t.type,
      t.license_expression, t.license_declared, t.license_detected, t.license_tier, t.supplier, t.copyright, t.description, t.hashes::jsonb, t.evidence,
      component_search(t.purl), t.name_rank, t.version_rank, t.license_rank
    FROM unnest(${column('purl')}::text[], ${column('ordinal')}::int[], ${rows.map((row) => `{${row.dependsOn.join(',')}}`)}::text[],
      ${column('direct')}::boolean[], ${column('depth')}::int[], ${column('scope')}::text[], ${column('type')}::text[],
      ${column('licenseExpression')}::text[], ${column('licenseDeclared')}::text[], ${column('licenseDetected')}::text[], ${column('licenseTier')}::text[],
      ${column('supplier')}::text[], ${column('copyright')}::text[], ${column('description')}::text[], ${column('hashes')}::text[], ${column('evidence')}::text[],
      ${column('nameRank')}::int[], ${column('versionRank')}::int[], ${column('licenseRank')}::int[])
      AS t (purl, ordinal, depends_on, direct, depth, scope, type, license_expression, license_declared, license_detected, license_tier, supplier, copyright, description, hashes, evidence, name_rank, version_rank, license_rank)
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

/** Makes sure that these licences have rows; what is there is brought up to date. Rows that are as they should be are not locked, which would have all scans of the installation wait for each other. */
export async function ensureLicenses(tx: Tx, licenses: readonly LicenseRow[]): Promise<void> {
  const sorted = licenses.toSorted((a, b) => (a.spdxId < b.spdxId ? -1 : 1)); // one order for all, so that two scans cannot deadlock
  const column = <K extends keyof LicenseRow>(name: K): LicenseRow[K][] => sorted.map((row) => row[name]);
  await sql`
    INSERT INTO licenses AS l (spdx_id, name, tier, is_osi_approved, is_fsf_libre, is_deprecated, reference_url)
    SELECT * FROM unnest(${column('spdxId')}::text[], ${column('name')}::text[], ${column('tier')}::text[], ${column('osiApproved')}::boolean[],
      ${column('fsfLibre')}::boolean[], ${column('deprecated')}::boolean[], ${column('referenceUrl')}::text[]) AS t (spdx_id, name, tier)
    WHERE NOT EXISTS (SELECT FROM licenses l WHERE (l.spdx_id, l.name, l.tier) = (t.spdx_id, t.name, t.tier))
    ON CONFLICT (spdx_id) DO UPDATE SET name = excluded.name, tier = excluded.tier
    WHERE (l.name, l.tier) IS DISTINCT FROM (excluded.name, excluded.tier)`.execute(tx);
}

export interface LicenseFinding {
  ordinal: number;
  spdxId: string;
  kind: 'declared' | 'detected';
  /** File that says so. */
  path: string | null;
}

/** Which component of the scan has which licence by its metadata and its files; findings of these kinds that the scan no longer makes are removed. */
export async function replaceLicenseFindings(tx: Tx, scan: { id: string; projectId: string }, kinds: readonly string[], findings: readonly LicenseFinding[]): Promise<void> {
  const column = <K extends keyof LicenseFinding>(name: K): LicenseFinding[K][] => findings.map((finding) => finding[name]);
  await sql`
    WITH claimed AS (
      SELECT sc.component_id, l.id AS license_id, t.kind, t.path
      FROM unnest(${column('ordinal')}::int[], ${column('spdxId')}::text[], ${column('kind')}::text[], ${column('path')}::text[]) AS t (ordinal, spdx_id, kind, path)
      JOIN scan_components sc ON sc.scan_id = ${scan.id} AND sc.ordinal = t.ordinal
      JOIN licenses l ON l.spdx_id = t.spdx_id
    ), gone AS (
      DELETE FROM license_findings f USING scan_components sc
      WHERE sc.scan_id = ${scan.id} AND f.component_id = sc.component_id AND f.kind = ANY(${kinds})
        AND NOT EXISTS (SELECT FROM claimed c WHERE c.component_id = f.component_id AND c.license_id = f.license_id AND c.kind = f.kind)
    )
    INSERT INTO license_findings AS f (project_id, component_id, license_id, kind, source_path)
    SELECT DISTINCT ON (component_id, license_id, kind) ${scan.projectId}::uuid, component_id, license_id, kind, path FROM claimed ORDER BY component_id, license_id, kind
    ON CONFLICT (component_id, license_id, kind) DO UPDATE SET source_path = excluded.source_path WHERE f.source_path IS DISTINCT FROM excluded.source_path`.execute(tx);
}

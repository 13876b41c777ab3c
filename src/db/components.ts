/** Components of a project as one of its scans has them. */
import { sql, type RawBuilder } from 'kysely';
import type { Severity } from '../core/severity.ts';
import type { Db } from './connect.ts';
import { severityOfRank, severityRank } from './severity.ts';

export type Tier = 'allowed' | 'conditional' | 'forbidden' | 'unknown';
export type FindingStatus = 'new' | 'analyzing' | 'exploitable' | 'not_affected' | 'false_positive' | 'suppressed' | 'fixed';
export type DependencyScope = 'required' | 'optional' | 'dev' | 'excluded';

/** What a component of a scan is judged by: what people concluded, else what it declares, else what its files say. @param row alias of its scan_components */
export const effectiveLicense = (row: string): RawBuilder<string | null> => {
  const [concluded, declared, detected] = [sql.ref(`${row}.license_concluded`), sql.ref(`${row}.license_expression`), sql.ref(`${row}.license_detected`)];
  return sql<string | null>`coalesce(${concluded}, ${declared}, ${detected})`;
};
export const EFFECTIVE_LICENSE = effectiveLicense('sc');

/** Of `components c`: the current scan of any ref has it. The project is said once more, so that its own scans are looked through rather than all that ever had the component. */
export const IN_CURRENT_SCAN = sql`EXISTS (SELECT FROM scans s JOIN scan_components x ON x.scan_id = s.id WHERE s.project_id = c.project_id AND s.is_current AND x.component_id = c.id)`;

export interface ComponentRow {
  id: string;
  project_id: string;
  name: string;
  namespace: string | null;
  version: string;
  purl: string;
  type: string;
  license: string | null;
  license_tier: Tier;
  severity_max: Severity | 'none';
  vulnerability_count: number;
  direct: boolean | null;
  depth: number | null;
  scope: DependencyScope;
}

/** Open findings of a component: their number and the worst severity's rank. For a handful of components only. */
const OPEN_FINDINGS = sql`
  LEFT JOIN LATERAL (
    SELECT count(*)::int AS total, min(${severityRank(sql`v.severity`)}) AS worst
    FROM findings f JOIN vulnerabilities v ON v.id = f.vulnerability_id
    WHERE f.component_id = sc.component_id AND f.status IN ('new', 'analyzing', 'exploitable')
  ) open ON true`;
const JOINED = sql`
  JOIN components c ON c.id = sc.component_id
  JOIN package_versions pv ON pv.id = sc.package_version_id
  JOIN packages pk ON pk.id = pv.package_id
  ${OPEN_FINDINGS}`;
const COLUMNS = sql`c.id, c.project_id, pk.name, nullif(pk.namespace, '') AS namespace, pv.version, c.purl, sc.type, ${EFFECTIVE_LICENSE} AS license, sc.license_tier,
  ${severityOfRank(sql`coalesce(open.worst, 6)`)} AS severity_max, open.total AS vulnerability_count, sc.direct, sc.depth, sc.scope`;

/** Components at these places of a scan, in the order of `ordinals`. */
export async function componentsAt(db: Db, scanId: string, ordinals: readonly number[]): Promise<ComponentRow[]> {
  const { rows } = await sql<ComponentRow>`
    SELECT ${COLUMNS} FROM unnest(${ordinals}::int[]) WITH ORDINALITY AS page (ordinal, place)
    JOIN scan_components sc ON sc.scan_id = ${scanId} AND sc.ordinal = page.ordinal ${JOINED} ORDER BY page.place`.execute(db);
  return rows;
}

/** What people made of a component's licence. */
export interface ConcludedLicense {
  expression: string;
  justification: string;
  concluded_by_user_id: string | null;
  version: number;
  updated_at: string;
}

export interface ComponentDetailRow extends ComponentRow {
  scan_id: string;
  ordinal: number;
  license_declared: string | null;
  license_detected: string | null;
  concluded_license: ConcludedLicense | null;
  supplier: string | null;
  description: string | null;
  hashes: Record<string, string>;
  evidence: string | null;
  first_seen_at: string;
}

/** A component as the named scan has it, else the project's current scan, else the newest scan that has it. */
export async function findComponent(db: Db, id: string, scanId: string | null): Promise<ComponentDetailRow | undefined> {
  const { rows } = await sql<ComponentDetailRow>`
    SELECT ${COLUMNS}, sc.scan_id, sc.ordinal, sc.license_declared, sc.license_detected, sc.supplier, sc.description, sc.hashes, sc.evidence, c.created_at AS first_seen_at,
      CASE WHEN cl.component_id IS NOT NULL THEN json_build_object('expression', cl.expression, 'justification', cl.justification, 'concluded_by_user_id', cl.concluded_by_user_id,
        'version', cl.version, 'updated_at', to_char(cl.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) END AS concluded_license
    FROM scan_components sc ${JOINED} LEFT JOIN concluded_licenses cl ON cl.component_id = c.id JOIN scans s ON s.id = sc.scan_id JOIN projects p ON p.id = c.project_id
    WHERE c.id = ${id} AND (${scanId}::uuid IS NULL OR sc.scan_id = ${scanId})
    ORDER BY (sc.scan_id = p.current_scan_id) DESC NULLS LAST, s.completed_at DESC, s.id DESC LIMIT 1`.execute(db);
  return rows[0];
}

export interface ComponentFindingRow {
  finding_id: string;
  cve_id: string;
  severity: Severity;
  cvss_score: number | null;
  status: FindingStatus;
  fixed_version: string | null;
  title: string | null;
}

/** The worst first. */
export async function findingsOfComponent(db: Db, componentId: string, limit: number): Promise<ComponentFindingRow[]> {
  const { rows } = await sql<ComponentFindingRow>`
    SELECT f.id AS finding_id, v.external_id AS cve_id, v.severity, v.cvss_score, f.status, m.fixed_version, v.summary AS title
    FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    WHERE f.component_id = ${componentId} ORDER BY ${severityRank(sql`v.severity`)}, v.external_id LIMIT ${limit}`.execute(db);
  return rows;
}

export interface ComponentLicenseRow {
  license_finding_id: string;
  spdx_id: string;
  name: string;
  tier: Tier;
  kind: 'declared' | 'concluded' | 'detected';
}

export async function licensesOfComponent(db: Db, componentId: string, limit: number): Promise<ComponentLicenseRow[]> {
  const { rows } = await sql<ComponentLicenseRow>`
    SELECT f.id AS license_finding_id, l.spdx_id, l.name, l.tier, f.kind FROM license_findings f JOIN licenses l ON l.id = f.license_id
    WHERE f.component_id = ${componentId} ORDER BY l.spdx_id, f.kind LIMIT ${limit}`.execute(db);
  return rows;
}

export interface DocumentComponentRow {
  ordinal: number;
  purl: string;
  name: string;
  namespace: string | null;
  version: string;
  type: string;
  scope: DependencyScope;
  /** Declared, as an expression. */
  license_expression: string | null;
  license_concluded: string | null;
  license_detected: string | null;
  supplier: string | null;
  copyright: string | null;
  description: string | null;
  hashes: Record<string, string>;
  /** Qualifiers that the package URL lacks, as one writes them there. */
  installed: string | null;
  depends_on: number[];
  direct: boolean | null;
}

/** Components of a scan for documents, a batch at a time, by ordinal (which is by package URL). */
export async function* documentComponents(db: Db, scanId: string, batch = 2_000): AsyncGenerator<DocumentComponentRow[]> {
  for (let after = -1; ; ) {
    const { rows } = await sql<DocumentComponentRow>`
      SELECT sc.ordinal, c.purl, pk.name, nullif(pk.namespace, '') AS namespace, pv.version, sc.type, sc.scope, sc.license_expression,
        sc.license_concluded, sc.license_detected, c.installed, sc.supplier, sc.copyright, sc.description, sc.hashes, sc.depends_on, sc.direct
      FROM scan_components sc JOIN components c ON c.id = sc.component_id
      JOIN package_versions pv ON pv.id = sc.package_version_id JOIN packages pk ON pk.id = pv.package_id
      WHERE sc.scan_id = ${scanId} AND sc.ordinal > ${after} ORDER BY sc.ordinal LIMIT ${batch}`.execute(db);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last.ordinal;
  }
}

/** The findings of one scan as documents say them: whether one is of it, in which state it was, and when any of that changed. */
import { sql } from 'kysely';
import type { Severity } from '../core/severity.ts';
import type { FindingStatus } from './components.ts';
import type { Db } from './connect.ts';
import type { FindingSource } from './findings.ts';

/**
 * Of findings `f` on the components of a scan, with their match `m`: somebody still speaks of the version. One that went away since no later scan has the
 * component is still one of this scan, in the state that it had.
 */
const HOLDS_FOR_SCAN = sql`(f.resolved_at IS NULL OR m.vulnerability_id IS NOT NULL
  OR EXISTS (SELECT FROM second_opinions o WHERE o.component_id = f.component_id AND o.vulnerability_id = f.vulnerability_id))`;
/**
 * Components `c` of scans `sc`, their findings `f` that hold for them and the vulnerabilities `v` of these, for documents. Each component is looked up by itself (OFFSET 0): joins
 * would be planned for the average scan or read every component, finding and match of the installation for one.
 */
export const FINDINGS_OF_SCANS = sql`scan_components sc
    CROSS JOIN LATERAL (
      SELECT c.package_version_id, c.purl, pk.name, pv.version FROM components c JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
      WHERE c.id = sc.component_id OFFSET 0
    ) c
    CROSS JOIN LATERAL (
      SELECT f.*, m.fixed_version FROM findings f LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
      WHERE f.component_id = sc.component_id AND ${HOLDS_FOR_SCAN} OFFSET 0
    ) f
    JOIN vulnerabilities v ON v.id = f.vulnerability_id`;
export const STATUS_FOR_SCAN = sql`CASE WHEN f.status = 'fixed' AND f.resolved_at IS NOT NULL THEN coalesce(f.resolved_from, 'new') ELSE f.status END`;

export interface DocumentFindingRow {
  cve_id: string;
  severity: Severity;
  cvss_score: number | null;
  cvss_vector: string | null;
  cwes: string[];
  summary: string | null;
  sources: FindingSource[];
  status: FindingStatus;
  justification: string | null;
  justification_code: string | null;
  purl: string;
  fixed_version: string | null;
  published_at: string | null;
  updated_at: string;
}

/** Findings of a scan for documents, by vulnerability and package URL. */
export async function documentFindings(db: Db, scanId: string): Promise<DocumentFindingRow[]> {
  const { rows } = await sql<DocumentFindingRow>`
    SELECT v.external_id AS cve_id, v.severity, v.cvss_score, v.cvss_vector, v.cwes, v.summary, f.sources, ${STATUS_FOR_SCAN} AS status, f.justification, f.justification_code, c.purl, f.fixed_version,
      v.published_at, f.updated_at
    FROM ${FINDINGS_OF_SCANS} WHERE sc.scan_id = ${scanId} ORDER BY v.external_id, c.purl`.execute(db);
  return rows;
}

/** Changes whenever the findings of a scan or what is known of their vulnerabilities does. */
export async function findingsState(db: Db, scanId: string): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    SELECT concat_ws('/', count(*), max(f.updated_at), max(v.updated_at)) AS state
    FROM scan_components sc CROSS JOIN LATERAL (SELECT f.updated_at, f.vulnerability_id FROM findings f WHERE f.component_id = sc.component_id OFFSET 0) f
    JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE sc.scan_id = ${scanId}`.execute(db);
  return rows[0]?.state ?? '';
}

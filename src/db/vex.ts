/** What VEX documents say of findings, and the findings that their statements can mean. */
import { sql } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Severity } from '../core/severity.ts';
import type { FindingStatus } from './components.ts';
import type { Db, Tx } from './connect.ts';
import type { FindingSource } from './findings.ts';
import { FINDINGS_OF_SCANS, STATUS_FOR_SCAN } from './scan-findings.ts';

/** By the statement itself where the state came from one. */
const DECIDED_AT = sql`coalesce((f.vex_origin ->> 'timestamp')::timestamptz, f.analyzed_at, f.first_detected_at)`;

export interface VexRow {
  finding_id: string;
  cve_id: string;
  aliases: string[];
  severity: Severity;
  cvss_score: number | null;
  cvss_vector: string | null;
  cwes: string[];
  published_at: string | null;
  purl: string;
  name: string;
  version: string;
  fixed_version: string | null;
  sources: FindingSource[];
  status: FindingStatus;
  justification: string | null;
  code: components['schemas']['VexJustification'] | null;
  expires_at: string | null;
  scope: 'version' | 'package' | null;
  /** When it was decided, by the statement itself where it came from one; else when the finding was first seen. */
  decided_at: string;
}

/** Of a scan, by vulnerability and package URL. */
export async function vexRows(db: Db, scanId: string): Promise<VexRow[]> {
  const { rows } = await sql<VexRow>`
    SELECT f.id AS finding_id, v.external_id AS cve_id, v.aliases, v.severity, v.cvss_score, v.cvss_vector, v.cwes, v.published_at, c.purl, c.name, c.version, f.fixed_version, f.sources,
      ${STATUS_FOR_SCAN} AS status, f.justification, f.justification_code AS code, f.suppressed_until AS expires_at, f.decision_scope AS scope, ${DECIDED_AT} AS decided_at
    FROM ${FINDINGS_OF_SCANS} WHERE sc.scan_id = ${scanId} ORDER BY v.external_id, c.purl, f.id`.execute(db);
  return rows;
}

export interface VexRevision {
  /** Grows with each change of a finding of the scan. */
  revision: number;
  /** RFC 3339: the newest decision; null without findings. */
  newest: string | null;
  /** Changes whenever the statements may. */
  state: string;
}

export async function vexRevision(db: Db, scanId: string): Promise<VexRevision> {
  const { rows } = await sql<VexRevision>`
    SELECT (1 + coalesce(sum(f.version - 1), 0))::int AS revision, max(${DECIDED_AT}) AS newest, concat_ws('/', count(*), max(f.updated_at), max(v.updated_at)) AS state
    FROM scan_components sc CROSS JOIN LATERAL (SELECT f.* FROM findings f WHERE f.component_id = sc.component_id OFFSET 0) f JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE sc.scan_id = ${scanId}`.execute(db);
  return rows[0] ?? { revision: 1, newest: null, state: '' };
}

/** A finding that a statement may mean. */
export interface VexTarget {
  id: string;
  /** The vulnerability's id and aliases. */
  names: string[];
  purl: string;
  status: FindingStatus;
  /** RFC 3339; null where nobody has decided. */
  decided_at: string | null;
}

/** Findings of the project's current scans on vulnerabilities with any of these names, locked in the order of ids. */
export async function lockVexTargets(tx: Tx, projectId: string, names: readonly string[]): Promise<VexTarget[]> {
  const { rows } = await sql<VexTarget>`
    SELECT f.id, v.external_id || v.aliases AS names, c.purl, f.status, CASE WHEN f.analyzed_at IS NOT NULL THEN ${DECIDED_AT} END AS decided_at
    FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
    WHERE f.project_id = ${projectId} AND f.in_current_scan AND f.vulnerability_id IN (
      SELECT known.id FROM vulnerabilities known, unnest(known.external_id || known.aliases) name
      WHERE known.id IN (SELECT vulnerability_id FROM findings WHERE project_id = ${projectId} AND in_current_scan) AND name IN (SELECT unnest(${names}::text[]))
    ) ORDER BY f.id FOR NO KEY UPDATE OF f`.execute(tx);
  return rows;
}

/** Package URLs of the project's current scan, to tell an unknown component from one without the vulnerability. */
export async function currentPurls(tx: Tx, projectId: string): Promise<string[]> {
  const { rows } = await sql<{ purl: string }>`
    SELECT c.purl FROM projects p JOIN scan_components sc ON sc.scan_id = p.current_scan_id JOIN components c ON c.id = sc.component_id WHERE p.id = ${projectId}`.execute(tx);
  return rows.map((row) => row.purl);
}

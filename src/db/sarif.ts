/** What a SARIF document says of a scan's findings. */
import { sql } from 'kysely';
import type { Severity } from '../core/severity.ts';
import type { FindingStatus } from './components.ts';
import type { Db } from './connect.ts';
import { FINDINGS_OF_SCANS, STATUS_FOR_SCAN } from './scan-findings.ts';

export interface SarifResultRow {
  finding_id: string;
  cve_id: string;
  severity: Severity;
  purl: string;
  name: string;
  version: string;
  fixed_version: string | null;
  status: FindingStatus;
  justification: string | null;
  /** Path in the source; null where the scan read no files. */
  evidence: string | null;
  direct: boolean | null;
}

/** By vulnerability and package URL; findings that the advisories no longer speak of are left out. */
export async function sarifResults(db: Db, scanId: string): Promise<SarifResultRow[]> {
  const { rows } = await sql<SarifResultRow>`
    SELECT f.id AS finding_id, v.external_id AS cve_id, v.severity, c.purl, c.name, c.version, f.fixed_version, ${STATUS_FOR_SCAN} AS status, f.justification, sc.evidence, sc.direct
    FROM ${FINDINGS_OF_SCANS} WHERE sc.scan_id = ${scanId} ORDER BY v.external_id, c.purl, f.id`.execute(db);
  return rows;
}

export interface SarifRuleRow {
  cve_id: string;
  aliases: string[];
  severity: Severity;
  cvss_score: number | null;
  cwes: string[];
  kev: boolean;
  summary: string | null;
  details: string | null;
}

/** In the order of the ids. */
export async function sarifRules(db: Db, ids: readonly string[]): Promise<SarifRuleRow[]> {
  const { rows } = await sql<SarifRuleRow>`
    SELECT v.external_id AS cve_id, v.aliases, v.severity, v.cvss_score, v.cwes, v.kev_added_on IS NOT NULL AS kev, v.summary, v.details
    FROM unnest(${ids}::text[]) WITH ORDINALITY AS wanted (id, place) JOIN vulnerabilities v ON v.external_id = wanted.id ORDER BY wanted.place`.execute(db);
  return rows;
}

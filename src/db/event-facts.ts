/** What messages to channels tell of projects, scans, findings and approvals; each as it is when the message is written. */
import { sql } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Db } from './connect.ts';
import { severityOfRank, SEVERITY_SUMMARY } from './severity.ts';

type Schemas = components['schemas'];
export type EventProject = Schemas['EventProject'];
export type EventFinding = Schemas['FindingCreatedEvent']['data']['findings'][number];

export async function eventProjects(db: Db, ids: readonly string[]): Promise<EventProject[]> {
  return (await sql<EventProject>`SELECT id, team_id, name, slug FROM projects WHERE id = ANY(${ids}::uuid[])`.execute(db)).rows;
}

export interface EventScanRow {
  scan: Schemas['EventScan'];
  component_count: number;
  error: { code: string; message: string } | null;
  /** Open findings of its components. */
  severity_summary: Schemas['SeveritySummary'];
}

export async function eventScans(db: Db, ids: readonly string[]): Promise<EventScanRow[]> {
  const { rows } = await sql<EventScanRow>`
    SELECT json_build_object('id', s.id, 'kind', s.kind, 'status', s.status, 'ref', s.ref, 'commit_sha', s.commit_sha, 'completed_at', to_char(s.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS scan,
      coalesce(s.component_count, 0) AS component_count, CASE WHEN s.error_code IS NULL THEN NULL ELSE json_build_object('code', s.error_code, 'message', s.error_message) END AS error, open.summary AS severity_summary
    FROM scans s CROSS JOIN LATERAL (
      SELECT ${SEVERITY_SUMMARY} AS summary
      FROM scan_components sc CROSS JOIN LATERAL (
        SELECT f.severity_rank FROM findings f WHERE f.component_id = sc.component_id AND f.project_id = s.project_id AND f.status IN ('new', 'analyzing', 'exploitable') OFFSET 0
      ) f WHERE sc.scan_id = s.id
    ) open WHERE s.id = ANY(${ids}::uuid[]) AND s.status IN ('succeeded', 'failed')`.execute(db);
  return rows;
}

/** Those of them that are open and critical or high, the worst first. */
export async function eventFindings(db: Db, ids: readonly string[]): Promise<EventFinding[]> {
  const { rows } = await sql<EventFinding>`
    SELECT f.id, v.external_id AS cve_id, ${severityOfRank(sql`f.severity_rank`)} AS severity, v.cvss_score, v.epss_score, f.kev, c.id AS component_id,
      pk.name AS component_name, pv.version AS component_version, c.purl, m.fixed_version
    FROM findings f JOIN vulnerabilities v ON v.id = f.vulnerability_id JOIN components c ON c.id = f.component_id
    JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    WHERE f.id = ANY(${ids}::uuid[]) AND f.severity_rank <= 1 AND f.status IN ('new', 'analyzing', 'exploitable') ORDER BY f.severity_rank, v.cvss_score DESC NULLS LAST, f.id`.execute(db);
  return rows;
}

export async function eventApprovals(db: Db, ids: readonly string[]): Promise<Schemas['EventApproval'][]> {
  const { rows } = await sql<Schemas['EventApproval']>`
    SELECT a.id, a.component_id, pk.name AS component_name, c.purl AS component_purl, a.license_expression, a.status, a.requested_by_user_id,
      a.decided_by_user_id, a.decision_note
    FROM approvals a JOIN components c ON c.id = a.component_id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
    WHERE a.id = ANY(${ids}::uuid[]) ORDER BY c.purl, a.id`.execute(db);
  return rows;
}

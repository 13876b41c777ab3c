/** One finding with all that is known of it. */
import { sql, type RawBuilder } from 'kysely';
import type { components } from '../../generated/api.ts';
import type { Severity } from '../core/severity.ts';
import type { Db } from './connect.ts';
import { priorityColumn, type FindingRow } from './findings.ts';
import { COUNTS } from './matches.ts';
import { MATCH_ECOSYSTEM, MATCH_NAME, MATCH_VERSION } from './packages.ts';
import { severityOfRank } from './severity.ts';

type JustificationCode = components['schemas']['VexJustification'];

export interface FindingDetailRow extends FindingRow {
  project_id: string;
  package_version_id: number;
  vulnerability_id: number;
  details: string | null;
  cvss_vector: string | null;
  severity_source: components['schemas']['FindingDetail']['severity_source'];
  cwes: string[];
  refs: { type: string; url: string }[];
  kev_added_on: string | null;
  kev_due_on: string | null;
  published_at: string | null;
  modified_at: string | null;
  justification: string | null;
  justification_code: JustificationCode | null;
  decision_scope: 'version' | 'package' | null;
  vex_origin: components['schemas']['FindingDetail']['vex_origin'];
  analysis_source: 'manual' | 'vex_import' | null;
  analyst_user_id: string | null;
  analyst_name: string | null;
  analyzed_at: string | null;
  suppressed_until: string | null;
}

/** By its id, or that of a finding that was merged into it. Its place in the dependency graph is that in the project's current scan. */
export async function findFinding(db: Db, id: string): Promise<FindingDetailRow | undefined> {
  const { rows } = await sql<FindingDetailRow>`
    SELECT f.id, f.project_id, f.component_id, c.package_version_id, f.vulnerability_id, pk.name AS component_name, pv.version AS component_version, c.purl, v.external_id AS cve_id, v.aliases, v.severity,
      v.cvss_score, v.cvss_vector, v.severity_source, v.epss_score, v.epss_percentile, v.kev_added_on IS NOT NULL AS kev, v.kev_added_on, v.kev_due_on, f.sources, f.status, v.summary, v.details, v.refs, v.cwes, v.published_at, v.modified_at,
      m.fixed_version, sc.direct, sc.scope, sc.license_tier, f.justification, f.justification_code, f.decision_scope, f.vex_origin, f.analysis_source, f.analyst_user_id, u.full_name AS analyst_name, f.analyzed_at,
      f.suppressed_until, f.first_detected_at AS discovered_at, f.updated_at, f.version, ${priorityColumn(sql`sc.depth`)} AS priority
    FROM findings f JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id
    JOIN vulnerabilities v ON v.id = f.vulnerability_id JOIN projects p ON p.id = f.project_id
    LEFT JOIN scan_components sc ON sc.scan_id = p.current_scan_id AND sc.component_id = f.component_id
    LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
    LEFT JOIN users u ON u.id = f.analyst_user_id
    WHERE f.id = (SELECT i.finding_id FROM finding_ids i WHERE i.id = ${id})`.execute(db);
  return rows[0];
}

/** Those of the ids whose finding was merged into another one, with the id of that. */
export async function mergedFindings(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ id: string; finding_id: string }>`SELECT id, finding_id FROM merged_findings WHERE id = ANY(${ids}::uuid[])`.execute(db);
  return new Map(rows.map((row) => [row.id, row.finding_id]));
}

/** Is the version of `package_versions v` in range `r`? As the matcher has it. */
const contains = (version: RawBuilder<unknown>, key: RawBuilder<unknown>): RawBuilder<unknown> => sql`coalesce(${key} >= r.introduced_key AND (r.fixed_key IS NULL OR ${key} < r.fixed_key)
  AND (r.last_key IS NULL OR ${key} <= r.last_key), false) OR ${version} = ANY(r.exact)`;

export interface AffectedRange {
  advisory_id: string;
  introduced: string | null;
  fixed: string | null;
  last_affected: string | null;
  limit: string | null;
  versions: string[];
  /** Go: packages of the module that are affected; empty for all, or not told. */
  packages: string[];
  contains: boolean;
}

const MAX_RANGES = 200;
const MAX_VERSIONS = 100;

/** What the advisories of a vulnerability say of a package version's package; the intervals that hold the version come first. */
export async function affectedRanges(db: Db, packageVersionId: number, vulnerabilityId: number): Promise<AffectedRange[]> {
  const { rows } = await sql<AffectedRange>`
    SELECT r.advisory_id, r.introduced, r.fixed, r.last_affected, r.limited AS "limit", r.exact[1:${sql.lit(MAX_VERSIONS)}] AS versions, r.imports AS packages,
      (${contains(MATCH_VERSION, sql.ref('pv.version_key'))}) AND ${COUNTS} AS contains
    FROM package_versions pv JOIN packages pk ON pk.id = pv.package_id
    JOIN advisory_ranges r ON r.ecosystem = ${MATCH_ECOSYSTEM} AND r.match_name = ${MATCH_NAME}
    JOIN advisories a ON a.id = r.advisory_id
    WHERE pv.id = ${packageVersionId} AND a.vulnerability_id = ${vulnerabilityId}
    ORDER BY contains DESC, r.advisory_id, r.introduced_key NULLS LAST, r.id LIMIT ${MAX_RANGES}`.execute(db);
  return rows;
}

export interface UpgradeRow {
  /** Has the version a place in its ecosystem's order? */
  ordered: boolean;
  recommended_version: string | null;
  /** Open findings of the component. */
  finding_count: number;
  max_severity: Severity | null;
  max_epss: number | null;
}

/** The smallest version above that of `mine (ecosystem, match_name, version_key)` that no advisory of its package calls affected, of the versions that advisories call fixed. */
export const SAFE_VERSION = sql<string | null>`(
  SELECT x.version FROM (
    SELECT DISTINCT ON (r.fixed_key) r.fixed AS version, r.fixed_key AS key FROM advisory_ranges r
    WHERE r.ecosystem = mine.ecosystem AND r.match_name = mine.match_name AND r.fixed_key > mine.version_key ORDER BY r.fixed_key, r.fixed
  ) x
  WHERE NOT EXISTS (SELECT FROM advisory_ranges r JOIN advisories a ON a.id = r.advisory_id
    WHERE r.ecosystem = mine.ecosystem AND r.match_name = mine.match_name AND ${COUNTS} AND (${contains(sql.ref('x.version'), sql.ref('x.key'))}))
  ORDER BY x.key LIMIT 1)`;

/** What the open findings of a component are, and the version that leaves none. */
export async function safeUpgrade(db: Db, componentId: string): Promise<UpgradeRow | undefined> {
  const { rows } = await sql<UpgradeRow>`
    WITH mine AS (
      SELECT ${MATCH_ECOSYSTEM} AS ecosystem, ${MATCH_NAME} AS match_name, pv.version_key
      FROM components c JOIN package_versions pv ON pv.id = c.package_version_id JOIN packages pk ON pk.id = pv.package_id WHERE c.id = ${componentId}
    ), open AS (
      SELECT count(*)::int AS total, min(f.severity_rank) AS worst, max(v.epss_score) AS epss
      FROM findings f JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE f.component_id = ${componentId} AND f.status IN ('new', 'analyzing', 'exploitable')
    )
    SELECT mine.version_key IS NOT NULL AS ordered, ${SAFE_VERSION} AS recommended_version,
      open.total AS finding_count, ${severityOfRank(sql`open.worst`)} AS max_severity, open.epss AS max_epss
    FROM mine, open`.execute(db);
  return rows[0];
}

export interface FindingEventRow {
  event: 'opened' | 'resolved' | 'returned' | 'triaged' | 'carried' | 'expired' | 'merged' | 'split';
  source: 'scan' | 'import' | 'manual' | 'vex_import' | 'time';
  previous_status: FindingRow['status'] | null;
  new_status: FindingRow['status'];
  justification: string | null;
  justification_code: JustificationCode | null;
  actor_user_id: string | null;
  actor_name: string | null;
  created_at: string;
  request_id: string | null;
}

const MAX_EVENTS = 200;

/** Newest first. */
export async function findingEvents(db: Db, findingId: string): Promise<FindingEventRow[]> {
  const { rows } = await sql<FindingEventRow>`
    SELECT e.kind AS event, e.source, e.from_status AS previous_status, e.to_status AS new_status, e.justification, e.justification_code, e.actor_user_id, u.full_name AS actor_name, e.created_at, e.request_id
    FROM finding_events e LEFT JOIN users u ON u.id = e.actor_user_id WHERE e.finding_id = ${findingId} ORDER BY e.id DESC LIMIT ${MAX_EVENTS}`.execute(db);
  return rows;
}

/** What gates are judged by, which of them are to be judged, and how they came out. */
import { sql } from 'kysely';
import type { Severity } from '../core/severity.ts';
import type { Tier } from './components.ts';
import type { Db, Tx } from './connect.ts';
import { toJson } from './json.ts';
import { severityOfRank } from './severity.ts';

export type GateCause = 'scan' | 'triage' | 'import' | 'policy' | 'time';
export type GateOutcome = 'pass' | 'warn' | 'fail';

/** One scan to be judged, and where the rules of its project draw lines; null where a rule is off. */
export interface JudgedScan {
  projectId: string;
  scanId: string;
  epss: number | null;
  /** Days. */
  maxAge: Readonly<Record<'critical' | 'high' | 'medium' | 'low', number | null>>;
}

export interface OpenFindingGroup {
  project_id: string;
  severity: Severity;
  kev: boolean;
  /** The highest of the group, whose members lie all above or all below the line. */
  epss_score: number | null;
  /** Days since the first detection; the highest of the group, as above. */
  age_days: number;
  count: number;
  finding_ids: string[];
}

const SAMPLE = 20;
const scansOf = (scans: readonly JudgedScan[]): string => toJson(scans.map(({ projectId, scanId, epss, maxAge }) => ({ project_id: projectId, scan_id: scanId, epss: epss === null ? null : Math.fround(epss), ...maxAge })));

/**
 * Open findings of scans, grouped by what rules can tell apart: at most 48 groups a scan, by one number that holds severity, KEV, and on which side of the EPSS and the age line they are. A
 * suppression whose time is over counts as open. The sample is in no order: sorting 100,000 rows for it would take longer than all the rest. Each scan is looked at by itself (OFFSET 0): a join of
 * them all is planned for a hundred scans, and reads every finding of the installation for one. What is open is read from findings_of_gate_idx alone, and EPSS scores are looked up only where the
 * project has a line for them.
 */
export async function openFindings(db: Db, scans: readonly JudgedScan[], now: Date): Promise<OpenFindingGroup[]> {
  const columns = sql`SELECT f.id, f.component_id, f.severity_rank, f.kev, f.first_detected_at, f.vulnerability_id FROM findings f WHERE f.project_id = j.project_id`;
  const { rows } = await sql<OpenFindingGroup>`
    SELECT j.project_id, ${severityOfRank(sql`g.key / 8`)} AS severity, g.key & 4 > 0 AS kev, g.epss_score,
      floor(extract(epoch FROM ${now}::timestamptz - g.first) / 86400)::int AS age_days, g.count, g.finding_ids
    FROM jsonb_to_recordset(${scansOf(scans)}::jsonb) AS j (project_id uuid, scan_id uuid, epss real, critical int, high int, medium int, low int)
    CROSS JOIN LATERAL (
      SELECT f.key, max(f.epss_score) AS epss_score, min(f.first_detected_at) AS first, count(*)::int AS count, (array_agg(f.id))[1:${sql.lit(SAMPLE)}] AS finding_ids
      FROM (
        SELECT f.id, f.first_detected_at, v.epss_score, f.severity_rank * 8 + f.kev::int * 4 + coalesce(v.epss_score >= j.epss, false)::int * 2
          + coalesce(f.first_detected_at <= ${now}::timestamptz - make_interval(secs => 86400.0 * ((ARRAY[j.critical, j.high, j.medium, j.low])[f.severity_rank + 1] + 1)), false)::int AS key
        FROM (
          ${columns} AND f.status IN ('new', 'analyzing', 'exploitable')
          UNION ALL ${columns} AND f.status = 'suppressed' AND f.suppressed_until <= ${now}
        ) f
        JOIN scan_components sc ON sc.scan_id = j.scan_id AND sc.component_id = f.component_id
        CROSS JOIN LATERAL (SELECT CASE WHEN j.epss IS NOT NULL THEN (SELECT v.epss_score FROM vulnerabilities v WHERE v.id = f.vulnerability_id) END AS epss_score) v
        OFFSET 0
      ) f
      GROUP BY f.key
    ) g`.execute(db);
  return rows;
}

export interface JudgedTierGroup {
  project_id: string;
  tier: Tier;
  count: number;
  component_ids: string[];
}

/** Components of scans by licence tier, with a few of them. */
export async function judgedTiers(db: Db, scans: readonly JudgedScan[]): Promise<JudgedTierGroup[]> {
  const { rows } = await sql<JudgedTierGroup>`
    SELECT j.project_id, sc.license_tier AS tier, count(*)::int AS count, (array_agg(sc.component_id ORDER BY sc.ordinal))[1:${sql.lit(SAMPLE)}] AS component_ids
    FROM jsonb_to_recordset(${scansOf(scans)}::jsonb) AS j (project_id uuid, scan_id uuid)
    JOIN scan_components sc ON sc.scan_id = j.scan_id GROUP BY j.project_id, sc.license_tier`.execute(db);
  return rows;
}

/** Marks projects whose gate may have changed. */
export async function insertGateChecks(tx: Tx, projectIds: readonly string[], cause: GateCause): Promise<void> {
  await sql`INSERT INTO gate_checks (project_id, cause) SELECT id, ${cause} FROM unnest(${projectIds}::uuid[]) AS t (id)`.execute(tx);
}

/** Marks projects that limit the age of findings: their gates change by time alone. */
export async function markAgingGates(tx: Tx): Promise<void> {
  await sql`
    INSERT INTO gate_checks (project_id, cause)
    SELECT p.id, 'time' FROM projects p
    WHERE p.archived_at IS NULL AND p.current_scan_id IS NOT NULL AND EXISTS (SELECT FROM jsonb_each(p.gate -> 'max_age_days') AS d WHERE d.value <> 'null')`.execute(tx);
}

export interface MarkedProject {
  id: string;
  /** The one to judge; null where there is none, or the project is archived. */
  scan_id: string | null;
  gate: Record<string, unknown>;
  /** Of the oldest mark. */
  cause: GateCause;
}

/** Takes the marks of some projects away, and says which. What is marked after this is looked at again. */
export async function takeGateChecks(tx: Tx, limit: number): Promise<MarkedProject[]> {
  const { rows } = await sql<MarkedProject>`
    WITH chosen AS (SELECT project_id FROM gate_checks GROUP BY project_id ORDER BY min(id) LIMIT ${limit}),
    taken AS (DELETE FROM gate_checks g USING chosen c WHERE c.project_id = g.project_id RETURNING g.id, g.project_id, g.cause),
    oldest AS (SELECT DISTINCT ON (project_id) project_id, cause FROM taken ORDER BY project_id, id)
    SELECT p.id, CASE WHEN p.archived_at IS NULL THEN p.current_scan_id END AS scan_id, p.gate, o.cause FROM oldest o JOIN projects p ON p.id = o.project_id`.execute(tx);
  return rows;
}

export interface GateChange {
  project_id: string;
  scan_id: string;
  outcome: GateOutcome;
  previous: GateOutcome | null;
  reason: string | null;
  cause: GateCause;
  since: string;
}

/** Notes those of the outcomes that are other than the project's last one; returns them. One caller at a time. */
export async function recordOutcomes(tx: Tx, outcomes: readonly Omit<GateChange, 'previous' | 'since'>[], now: Date): Promise<GateChange[]> {
  const { rows } = await sql<GateChange>`
    INSERT INTO gate_outcomes (project_id, scan_id, outcome, previous, reason, cause, since)
    SELECT t.project_id, t.scan_id, t.outcome, last.outcome, t.reason, t.cause, ${now}::timestamptz
    FROM jsonb_to_recordset(${toJson(outcomes)}::jsonb) AS t (project_id uuid, scan_id uuid, outcome text, reason text, cause text)
    LEFT JOIN LATERAL (SELECT g.outcome FROM gate_outcomes g WHERE g.project_id = t.project_id ORDER BY g.id DESC LIMIT 1) last ON true
    WHERE last.outcome IS DISTINCT FROM t.outcome
    RETURNING project_id, scan_id, outcome, previous, reason, cause, since`.execute(tx);
  return rows;
}

/** The project's last noted outcome. */
export async function lastOutcome(db: Db, projectId: string): Promise<GateChange | undefined> {
  const { rows } = await sql<GateChange>`
    SELECT project_id, scan_id, outcome, previous, reason, cause, since FROM gate_outcomes WHERE project_id = ${projectId} ORDER BY id DESC LIMIT 1`.execute(db);
  return rows[0];
}

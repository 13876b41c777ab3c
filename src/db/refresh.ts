/**
 * Findings that follow from matches: which there are, and the facts by which they are listed. All of it is set-based. Callers hold the matching lock, and, by
 * their project's row, keep triage away where several statements lock findings one after the other.
 */
import { sql, type RawBuilder } from 'kysely';
import { IN_CURRENT_SCAN } from './components.ts';
import type { Tx } from './connect.ts';
import { severityRank } from './severity.ts';

export interface FindingChanges {
  /** New or come back. */
  opened: number;
  /** No current scan has them any longer. */
  resolved: number;
}

/** Of a project the components of the scans whose standing has changed, or of all projects, after an import that matched these package versions again. */
export type RefreshScope = { projectId: string; scanIds: readonly string[] } | { packageVersionIds: readonly number[] };

/** Of `matches m` and `second_opinions o` on one vulnerability of a component, each null where it does not speak of it. */
const SOURCES = sql`CASE WHEN o.vulnerability_id IS NULL THEN '{osv}' WHEN m.vulnerability_id IS NULL THEN '{dependency_track}' ELSE '{osv,dependency_track}' END::text[]`;

const onComponents = (at: RefreshScope): RawBuilder<unknown> => ('scanIds' in at
  ? sql`c.project_id = ${at.projectId} AND c.id IN (SELECT component_id FROM scan_components WHERE scan_id = ANY(${at.scanIds}::uuid[]))`
  : sql`c.package_version_id = ANY(${at.packageVersionIds}::bigint[])`);

/** What a finding is listed by, from `vulnerabilities v`, whether there is a fix, and its place `scan_components sc` in the current scan. */
const facts = (fixable: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  sc.scan_id IS NOT NULL AS in_current_scan, ${severityRank(sql`v.severity`)}::smallint AS severity_rank,
  v.kev_added_on IS NOT NULL AS kev, ${fixable} AS fixable,
  (SELECT sum(part)::smallint FROM unnest(finding_priority(v.cvss_score, v.severity, v.kev_added_on IS NOT NULL, v.epss_score, ${fixable}, sc.depth)) AS part) AS priority`;

/** The decision `k` on the package of `due d`, where there is one that still holds. */
const PACKAGE_DECISION = sql`
  LEFT JOIN finding_decisions k ON k.project_id = d.project_id AND k.package_id = d.package_id AND k.vulnerability_id = d.vulnerability_id
    AND (k.suppressed_until IS NULL OR k.suppressed_until > now())`;
const DECISION_COLUMNS = sql`k.status, k.justification, k.justification_code, k.suppressed_until, CASE WHEN k.status IS NOT NULL THEN 'package' END AS decision_scope, k.vex_origin,
  k.source AS analysis_source, k.analyst_user_id, k.decided_at AS analyzed_at`;

/**
 * Brings the findings in line with the matches and what Dependency-Track reported last. What a current scan of any ref has is a finding: `new`, or as was decided for its package. An open one, or one
 * called fixed, that no current scan has any longer is `fixed` by itself and `new` again if it returns. Other decisions outlive scans; where nobody speaks of
 * the version any longer they rest, and hold again if somebody does. EXCEPT rather than an anti-join, which would compare each with each, since PostgreSQL cannot know how many are due.
 */
export async function refreshFindings(tx: Tx, at: RefreshScope): Promise<FindingChanges> {
  const within = onComponents(at);
  const source = 'scanIds' in at ? 'scan' : 'import';
  if ('packageVersionIds' in at) {
    await sql`SELECT 1 FROM projects p WHERE EXISTS (SELECT FROM components c WHERE c.project_id = p.id AND ${within}) ORDER BY p.id FOR NO KEY UPDATE`.execute(tx);
  }
  const { rows } = await sql<FindingChanges>`
    WITH due AS MATERIALIZED (
      SELECT c.project_id, c.id AS component_id, m.vulnerability_id, pv.package_id, m.fixed_version IS NOT NULL AS fixable, ${SOURCES} AS sources
      FROM components c JOIN matches m ON m.package_version_id = c.package_version_id JOIN package_versions pv ON pv.id = c.package_version_id
      LEFT JOIN second_opinions o ON o.component_id = c.id AND o.vulnerability_id = m.vulnerability_id
      WHERE ${within} AND ${IN_CURRENT_SCAN}
      UNION ALL
      SELECT c.project_id, c.id, o.vulnerability_id, pv.package_id, false, '{dependency_track}'
      FROM components c JOIN second_opinions o ON o.component_id = c.id JOIN package_versions pv ON pv.id = c.package_version_id
      WHERE ${within} AND ${IN_CURRENT_SCAN} AND NOT EXISTS (SELECT FROM matches m WHERE m.package_version_id = c.package_version_id AND m.vulnerability_id = o.vulnerability_id)
    ), gone AS (
      SELECT f.id, f.status
      FROM (
        SELECT f.component_id, f.vulnerability_id
        FROM findings f JOIN components c ON c.id = f.component_id
        WHERE ${within} AND f.resolved_at IS NULL
          AND (f.status IN ('new', 'analyzing', 'exploitable', 'fixed')
            OR NOT EXISTS (SELECT FROM matches m WHERE m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
              UNION ALL SELECT FROM second_opinions o WHERE o.component_id = f.component_id AND o.vulnerability_id = f.vulnerability_id))
        EXCEPT SELECT component_id, vulnerability_id FROM due
      ) g
      JOIN findings f ON f.component_id = g.component_id AND f.vulnerability_id = g.vulnerability_id AND f.resolved_at IS NULL
      ORDER BY f.id FOR NO KEY UPDATE OF f
    ), resolved AS (
      UPDATE findings f SET status = 'fixed', resolved_from = f.status, resolved_at = now(), version = f.version + 1, updated_at = now()
      FROM gone g WHERE g.id = f.id RETURNING f.id, f.project_id, f.resolved_from
    ), opened AS (
      INSERT INTO findings (project_id, component_id, vulnerability_id, status, justification, justification_code, suppressed_until, decision_scope, vex_origin, analysis_source,
        analyst_user_id, analyzed_at, in_current_scan, severity_rank, kev, fixable, priority, sources)
      SELECT x.project_id, x.component_id, x.vulnerability_id, coalesce(x.status, 'new'), x.justification, x.justification_code, x.suppressed_until, x.decision_scope, x.vex_origin, x.analysis_source,
        x.analyst_user_id, x.analyzed_at, x.in_current_scan, x.severity_rank, x.kev, x.fixable, x.priority, x.sources
      FROM (
        SELECT d.project_id, d.component_id, d.vulnerability_id, d.sources, ${DECISION_COLUMNS}, ${facts(sql`d.fixable`)}
        FROM due d JOIN projects p ON p.id = d.project_id JOIN vulnerabilities v ON v.id = d.vulnerability_id
        LEFT JOIN scan_components sc ON sc.scan_id = p.current_scan_id AND sc.component_id = d.component_id
        ${PACKAGE_DECISION}
        WHERE NOT EXISTS (SELECT FROM findings f WHERE f.component_id = d.component_id AND f.vulnerability_id = d.vulnerability_id)
        ORDER BY d.component_id, d.vulnerability_id
      ) x
      ON CONFLICT (component_id, vulnerability_id) DO NOTHING
      RETURNING id, project_id, status, justification, justification_code, analysis_source, analyst_user_id, severity_rank
    ), back AS (
      SELECT f.id, f.status AS former, f.resolved_from, ${DECISION_COLUMNS},
        coalesce(f.status <> 'fixed' OR (f.decision_scope = 'version' AND (f.resolved_from IN ('not_affected', 'false_positive')
          OR (f.resolved_from = 'suppressed' AND (f.suppressed_until IS NULL OR f.suppressed_until > now())))), false) AS keeps
      FROM due d JOIN findings f ON f.component_id = d.component_id AND f.vulnerability_id = d.vulnerability_id
      ${PACKAGE_DECISION}
      WHERE f.resolved_at IS NOT NULL ORDER BY f.id FOR NO KEY UPDATE OF f
    ), kept AS (
      UPDATE findings f SET status = CASE f.status WHEN 'fixed' THEN f.resolved_from ELSE f.status END, resolved_from = NULL, resolved_at = NULL, version = f.version + 1, updated_at = now()
      FROM back b WHERE b.id = f.id AND b.keeps RETURNING f.id, f.project_id, b.former, f.status, f.justification, f.justification_code
    ), fresh AS (
      UPDATE findings f SET status = coalesce(b.status, 'new'), justification = b.justification, justification_code = b.justification_code, suppressed_until = b.suppressed_until,
        decision_scope = b.decision_scope, vex_origin = b.vex_origin, analysis_source = b.analysis_source, analyst_user_id = b.analyst_user_id, analyzed_at = b.analyzed_at,
        resolved_from = NULL, resolved_at = NULL, version = f.version + 1, updated_at = now()
      FROM back b WHERE b.id = f.id AND NOT b.keeps RETURNING f.id, f.project_id, b.former, f.status, f.justification, f.justification_code, f.severity_rank
    ), noted AS (
      INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification, justification_code, actor_user_id)
      SELECT id, 'resolved', ${source}, resolved_from, 'fixed', NULL, NULL, NULL::uuid FROM resolved
      UNION ALL SELECT id, 'opened', ${source}, NULL, 'new', NULL, NULL, NULL FROM opened
      UNION ALL SELECT id, 'carried', analysis_source, 'new', status, justification, justification_code, analyst_user_id FROM opened WHERE status <> 'new'
      UNION ALL SELECT id, 'returned', ${source}, former, status, justification, justification_code, NULL FROM kept
      UNION ALL SELECT id, 'returned', ${source}, former, status, justification, justification_code, NULL FROM fresh
    ), touched_projects AS (
      SELECT project_id FROM resolved UNION SELECT project_id FROM opened UNION SELECT project_id FROM kept UNION SELECT project_id FROM fresh
    ), marked AS (
      INSERT INTO gate_checks (project_id, cause) SELECT project_id, ${source} FROM touched_projects
    ), announced AS (
      INSERT INTO notices (kind, project_id, audience, facts)
      SELECT 'cve_detected', project_id, 'team', jsonb_build_object('critical', count(*) FILTER (WHERE severity_rank = 0), 'high', count(*) FILTER (WHERE severity_rank = 1), 'source', ${source}::text,
        'finding_ids', (array_agg(id ORDER BY severity_rank, id))[1:100])
      FROM (SELECT id, project_id, status, severity_rank FROM opened UNION ALL SELECT id, project_id, status, severity_rank FROM fresh) fresh_ones
      WHERE status = 'new' AND severity_rank <= 1 GROUP BY project_id
    )
    SELECT (SELECT count(*)::int FROM opened) + (SELECT count(*)::int FROM fresh) AS opened, (SELECT count(*)::int FROM resolved) AS resolved`.execute(tx);
  await updateFacts(tx, within, source);
  return rows[0] ?? { opened: 0, resolved: 0 };
}

/** After a project's current scan has become another one. */
export async function refreshFacts(tx: Tx, projectId: string): Promise<void> {
  await updateFacts(tx, sql`c.project_id = ${projectId}`, 'policy');
}

/** After vulnerabilities have been described anew in this transaction: their severity, scores or listing in CISA's catalogue. */
export async function refreshDescribed(tx: Tx): Promise<void> {
  await updateFacts(tx, sql`f.vulnerability_id IN (SELECT id FROM vulnerabilities WHERE updated_at = now())`, 'import');
  // an EPSS score can cross a gate's line without moving a priority by a whole point
  await sql`INSERT INTO gate_checks (project_id, cause) SELECT id, 'import' FROM projects WHERE gate ->> 'epss_threshold' IS NOT NULL AND current_scan_id IS NOT NULL`.execute(tx);
}

/**
 * Touches the rows that differ only; their version stays, since nothing that a triager decides on by hand has changed. Documents name the sources, and are tagged by `updated_at`.
 * Where a component stands and what a finding is listed by is looked up one by one (OFFSET 0): for a join PostgreSQL would read every match and every component of the installation.
 * @param within of findings `f` and their components `c`
 */
async function updateFacts(tx: Tx, within: RawBuilder<unknown>, cause: 'scan' | 'import' | 'policy'): Promise<void> {
  await sql`
    WITH todo AS (
      SELECT f.id, x.*, x.sources <> f.sources AS other_sources
      FROM components c JOIN projects p ON p.id = c.project_id
      LEFT JOIN LATERAL (SELECT sc.scan_id, sc.depth FROM scan_components sc WHERE sc.scan_id = p.current_scan_id AND sc.component_id = c.id OFFSET 0) sc ON true
      JOIN findings f ON f.component_id = c.id
      CROSS JOIN LATERAL (
        SELECT ${facts(sql`(m.fixed_version IS NOT NULL)`)}, CASE WHEN m.vulnerability_id IS NULL AND o.vulnerability_id IS NULL THEN f.sources ELSE ${SOURCES} END AS sources
        FROM vulnerabilities v LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = v.id
        LEFT JOIN second_opinions o ON o.component_id = c.id AND o.vulnerability_id = v.id
        WHERE v.id = f.vulnerability_id OFFSET 0
      ) x
      WHERE ${within} AND (f.in_current_scan, f.severity_rank, f.kev, f.fixable, f.priority, f.sources) IS DISTINCT FROM (x.in_current_scan, x.severity_rank, x.kev, x.fixable, x.priority, x.sources)
      ORDER BY f.id FOR NO KEY UPDATE OF f
    ), moved AS (
      UPDATE findings f SET in_current_scan = t.in_current_scan, severity_rank = t.severity_rank, kev = t.kev, fixable = t.fixable, priority = t.priority, sources = t.sources,
        updated_at = CASE WHEN t.other_sources THEN now() ELSE f.updated_at END
      FROM todo t WHERE t.id = f.id RETURNING f.project_id
    )
    INSERT INTO gate_checks (project_id, cause) SELECT DISTINCT project_id, ${cause} FROM moved`.execute(tx);
}

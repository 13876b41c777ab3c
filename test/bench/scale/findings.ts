/** Findings in the states that years of scans and triage leave behind, and the audit log. */
import { sql } from 'kysely';
import { idAt, pick, u, type Seed } from './random.ts';

const n = sql`n`;
const DECIDED = sql`('exploitable', 'not_affected', 'false_positive', 'suppressed')`;

/** Follows src/db/refresh.ts: a component that no current scan has keeps its decisions only; what was open is fixed by itself. */
export async function seedFindings({ step, size }: Seed): Promise<void> {
  // by whether there is a fix (no, yes), then by depth 1, 2 and more
  await step('seed_vulnerability', sql`CREATE TEMP TABLE seed_vulnerability ON COMMIT DROP AS
    SELECT v.id, array_position(ARRAY['critical', 'high', 'medium', 'low', 'info', 'unknown'], v.severity) - 1 AS severity_rank, v.kev_added_on IS NOT NULL AS kev,
      ARRAY(SELECT (SELECT sum(part) FROM unnest(finding_priority(v.cvss_score, v.severity, v.kev_added_on IS NOT NULL, v.epss_score, fix, depth)) part) FROM unnest(ARRAY[false, true]) fix CROSS JOIN unnest(ARRAY[1, 2, 3]) depth ORDER BY fix, depth)::smallint[] AS priorities
    FROM vulnerabilities v WHERE v.id <= ${sql.lit(size.found)}`);
  await step('findings', sql`INSERT INTO findings (project_id, component_id, vulnerability_id, status, resolved_at, resolved_from, justification, justification_code, analysis_source, analyst_user_id, analyzed_at, decision_scope, suppressed_until,
      in_current_scan, severity_rank, kev, fixable, priority, first_detected_at, created_at, updated_at)
    SELECT project_id, component_id, vulnerability_id, CASE WHEN gone THEN 'fixed' ELSE state END, CASE WHEN gone THEN at + interval '30 days' END, CASE WHEN gone THEN state END,
      CASE WHEN state IN ${DECIDED} THEN 'We looked into it: the function is never called.' END, CASE WHEN state = 'not_affected' THEN 'code_not_reachable' END, CASE WHEN state IN ${DECIDED} THEN 'manual' END,
      CASE WHEN state IN ${DECIDED} THEN analyst END, CASE WHEN state IN ${DECIDED} THEN at + interval '2 days' END, CASE WHEN state IN ${DECIDED} THEN 'version' END, CASE WHEN state = 'suppressed' THEN now() + make_interval(days => chance % 300) END,
      in_current, severity_rank, kev, fixable, priorities[CASE WHEN fixable THEN 4 ELSE 1 END + CASE WHEN in_current THEN least(depth, 3) - 1 ELSE 2 END], at, at, at + interval '2 days'
    FROM (
      SELECT x.*, NOT alive AND state IN ('new', 'analyzing', 'exploitable') AS gone, now() - make_interval(mins => 10000 + (chance * 7919 % 900000)) AS at FROM (
        SELECT c.project_id, c.id AS component_id, m.vulnerability_id, c.depth, v.severity_rank, v.kev, v.priorities, m.fixed_version IS NOT NULL AS fixable, w.id AS analyst, r.chance, c.slot < 9 AS in_current,
          c.slot < 9 OR (p.has_release AND c.slot BETWEEN 5 AND 11) OR (p.has_feature AND c.place <= 20) AS alive,
          CASE WHEN r.chance < 6000 THEN 'new' WHEN r.chance < 6800 THEN 'analyzing' WHEN r.chance < 7500 THEN 'exploitable' WHEN r.chance < 8700 THEN 'not_affected' WHEN r.chance < 9300 THEN 'false_positive' ELSE 'suppressed' END AS state
        FROM seed_component c JOIN matches m ON m.package_version_id = c.version_id JOIN seed_vulnerability v ON v.id = m.vulnerability_id
        JOIN (SELECT p.no, p.has_release AND p.scans > 2 AS has_release, p.features > 0 AND p.scans > 3 AS has_feature FROM seed_project p) p ON p.no = c.no
        CROSS JOIN LATERAL (SELECT floor(10000 * ${u(sql`c.key * 50000 + m.vulnerability_id`, 71)})::int AS chance) r
        JOIN seed_user w ON w.no = 1 + r.chance % ${sql.lit(size.users)}
      ) x
    ) y`);
  await step('finding_events', sql`INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification, actor_user_id, created_at)
    SELECT id, CASE WHEN resolved_at IS NOT NULL THEN 'resolved' ELSE 'triaged' END, CASE WHEN resolved_at IS NOT NULL THEN 'scan' ELSE 'manual' END, coalesce(resolved_from, 'new'), status, justification, analyst_user_id, updated_at
    FROM findings WHERE status NOT IN ('new', 'analyzing') AND severity_rank <= 1`);
}

/** Of which changes there are how many is as the portal writes them: scans and triage before all. */
export async function seedAudit({ step, size }: Seed): Promise<void> {
  await step('audit_log', sql`INSERT INTO audit_log (id, created_at, actor_kind, actor_user_id, actor_email, team_id, project_id, operation, action, target_table, target_id, request_id, ip, user_agent, diff)
    SELECT ${idAt(sql`at`)}, at, 'user', w.id, w.email, t.id, p.id, CASE what WHEN 'scans' THEN 'createScan' WHEN 'findings' THEN 'setFindingStatus' WHEN 'approvals' THEN 'transitionApproval' ELSE 'updateProject' END,
      CASE what WHEN 'scans' THEN 'create' WHEN 'findings' THEN 'status' ELSE 'update' END, what, p.id::text, md5(n::text)::uuid::text, '192.0.2.' || n % 250, 'pipeline/1.0',
      jsonb_build_object('status', jsonb_build_array('new', ${pick(u(n, 81), ['exploitable', 'not_affected', 'suppressed'])}), 'note', 'number ' || n)
    FROM (SELECT n, now() - make_interval(secs => (${sql.lit(size.audit)} - n) * 60.0) AS at, ${pick(u(n, 82), ['scans', 'scans', 'scans', 'scans', 'findings', 'findings', 'findings', 'approvals', 'projects'])} AS what,
      1 + floor(${sql.lit(size.projects)} * ${u(n, 83)} ^ 2)::int AS project, 1 + floor(${sql.lit(size.users)} * ${u(n, 84)} ^ 2)::int AS who FROM generate_series(1, ${sql.lit(size.audit)}) n) a
    JOIN seed_project p ON p.no = a.project JOIN seed_team t ON t.no = p.team_no JOIN seed_user w ON w.no = a.who ORDER BY n`);
}

/** Projects, their scans, and what those found. The newest two scans of a project's main line and that of its release are whole; older ones keep a few components. */
import { sql } from 'kysely';
import { recordLicenses } from '../../../src/domain/licenses/record.ts';
import { tierOf } from '../../../src/domain/licenses/catalogue.ts';
import { idAt, pick, u, type Seed } from './random.ts';

/** Components of an older scan. */
const KEPT = 20;
const n = sql`n`;

export async function seedProjects({ step, size }: Seed): Promise<void> {
  await step('seed_project', sql`CREATE TEMP TABLE seed_project ON COMMIT DROP AS
    SELECT n::int AS no, new_id() AS id, 1 + floor(${sql.lit(size.teams)} * ${u(n, 41)} ^ 1.7)::int AS team_no, (1.65 * (50 + 80000 / (n / ${sql.lit(size.scale)}) ^ 0.8))::int AS components,
      3 + floor(299 * ${u(n, 42)} ^ 2)::int AS scans, ${u(n, 43)} < 0.25 AS has_release, floor(8 * ${u(n, 44)} ^ 2)::int AS features FROM generate_series(1, ${sql.lit(size.projects)}) n`);
  await step('projects', sql`INSERT INTO projects (id, team_id, name, slug, description, git_url, default_branch, visibility, distribution, archived_at, created_by_user_id, created_at, updated_at)
    SELECT p.id, t.id, ${pick(u(sql`p.no`, 45), ['Shop', 'Billing', 'Search', 'Portal', 'Gateway', 'Mobile app', 'Reports', 'Warehouse'])} || ' ' || ${pick(u(sql`p.no`, 46), ['backend', 'frontend', 'worker', 'API', 'tools'])} || ' ' || p.no, 'project-' || p.no,
      CASE WHEN p.no % 2 = 0 THEN 'What it is for' END, CASE WHEN p.no % 10 < 7 THEN 'https://git.example/team/project-' || p.no || '.git' END, 'main', CASE WHEN p.no % 7 = 0 THEN 'organization' ELSE 'team' END,
      ${pick(u(sql`p.no`, 47), ['saas', 'distributed', 'internal'])}, CASE WHEN p.no % 33 = 32 THEN now() END, s.id, now() - make_interval(hours => 20000 - 9 * p.no), now() - make_interval(hours => p.no)
    FROM seed_project p JOIN seed_team t ON t.no = p.team_no JOIN seed_user s ON s.no = 1 + p.no % ${sql.lit(size.users)} ORDER BY p.no`);
  await step('seed_scan', sql`CREATE TEMP TABLE seed_scan ON COMMIT DROP AS
    SELECT ${idAt(sql`created_at`)} AS id, x.* FROM (
      SELECT p.no, p.id AS project_id, seq, p.no * 1000 + seq AS key,
        CASE WHEN age = 0 THEN 'current' WHEN age = 1 THEN 'previous' WHEN age = 2 AND p.has_release THEN 'release' WHEN age BETWEEN 3 AND 2 + p.features THEN 'feature' ELSE 'old' END AS role,
        now() - make_interval(mins => floor((age + 0.1 + 0.8 * ${u(sql`p.no * 1000 + seq`, 51)}) * 1000000 / p.scans)::int) AS created_at, p.has_release
      FROM seed_project p CROSS JOIN LATERAL generate_series(1, p.scans) seq CROSS JOIN LATERAL (SELECT p.scans - seq AS age) a) x ORDER BY created_at`);
  await step('scans', sql`INSERT INTO scans (id, project_id, kind, status, progress_percent, current_step, ref, commit_sha, source_format, is_current, attempt, error_code, error_message, requested_by_user_id, started_at, completed_at, created_at, updated_at)
    SELECT s.id, s.project_id, s.kind, s.status, CASE WHEN s.status = 'succeeded' THEN 100 ELSE 40 END, CASE s.status WHEN 'succeeded' THEN 'finalize' WHEN 'failed' THEN 'fetch' END, s.ref, md5(s.key::text) || '00000000',
      CASE s.kind WHEN 'sbom' THEN 'cyclonedx-json' WHEN 'source' THEN 'git' END, s.role IN ('current', 'release', 'feature'), 1, CASE WHEN s.status = 'failed' THEN 'fetch_failed' END, CASE WHEN s.status = 'failed' THEN 'The repository did not answer.' END,
      w.id, s.created_at, s.created_at + make_interval(secs => 5 + s.key % 50), s.created_at, s.created_at + make_interval(secs => 5 + s.key % 50)
    FROM (
      SELECT s.*, ${pick(u(sql`s.key`, 52), ['sbom', 'sbom', 'sbom', 'source', 'source', 'container'])} AS kind,
        CASE WHEN s.role <> 'old' THEN 'succeeded' ELSE ${pick(u(sql`s.key`, 53), ['succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'cancelled'])} END AS status,
        CASE s.role WHEN 'release' THEN 'release/1.x' WHEN 'feature' THEN 'feature/' || s.seq WHEN 'old' THEN CASE WHEN s.has_release AND s.seq % 5 = 0 THEN 'release/1.x' ELSE 'main' END ELSE 'main' END AS ref
      FROM seed_scan s) s
    JOIN seed_user w ON w.no = 1 + s.key % ${sql.lit(size.users)} ORDER BY s.created_at`);
  await step('current scans', sql`UPDATE projects p SET current_scan_id = s.id FROM seed_scan s WHERE s.project_id = p.id AND s.role = 'current'`);
  await step('gate_outcomes', sql`INSERT INTO gate_outcomes (project_id, scan_id, outcome, previous, reason, cause, since)
    SELECT p.id, s.id, 'fail', 'warn', 'Critical findings are open.', 'scan', s.created_at FROM seed_project p JOIN seed_scan s ON s.no = p.no AND s.role IN ('previous', 'current') ORDER BY s.created_at`);
}

export async function seedComponents({ tx, step, size }: Seed): Promise<void> {
  const expressions = ['MIT', 'Apache-2.0', 'BSD-3-Clause', 'BSD-2-Clause', 'ISC', 'MIT OR Apache-2.0', 'MPL-2.0', 'LGPL-2.1-only', 'GPL-3.0-only', 'LicenseRef-own'];
  await recordLicenses(tx, expressions.flatMap((expression) => expression.split(' OR ')));
  await sql`CREATE TEMP TABLE seed_license ON COMMIT DROP AS SELECT * FROM unnest(${expressions}::text[], ${expressions.map((expression) => tierOf(expression).tier)}::text[]) AS t (expression, tier)`.execute(tx);
  await step('seed_component', sql`CREATE TEMP TABLE seed_component ON COMMIT DROP AS
    SELECT new_id() AS id, x.*, v.package_id, l.expression AS license, l.tier, p.id AS project_id,
      floor(20 * ${u(sql`x.key`, 61)})::int AS slot, CASE WHEN x.key % 12 = 0 THEN 1 ELSE 2 + x.key % 7 END::int AS depth, row_number() OVER (PARTITION BY x.no ORDER BY ${u(sql`x.key`, 62)}) AS place,
      CASE WHEN l.tier = 'conditional' AND ${u(sql`x.key`, 61)} < 0.45 THEN ${pick(u(sql`x.key`, 63), ['pending', 'pending', 'pending', 'pending', 'under_review', 'approved', 'approved', 'rejected'])} END AS approval
    FROM (
      SELECT DISTINCT p.no, k.first_version + floor(k.versions * sqrt(${u(sql`p.no * 200000 + d`, 64)}))::bigint AS version_id, p.no::bigint * 10000000 + k.first_version + floor(k.versions * sqrt(${u(sql`p.no * 200000 + d`, 64)}))::bigint AS key
      FROM seed_project p CROSS JOIN LATERAL generate_series(1, p.components) d
      JOIN seed_package k ON k.id = 1 + floor(${sql.lit(size.packages)} * least(0.999999, (d - ${u(sql`p.no * 200000 + d`, 65)}) / p.components) ^ 2.5)::bigint
    ) x JOIN seed_version v ON v.id = x.version_id JOIN seed_project p ON p.no = x.no LEFT JOIN seed_license l ON l.expression = v.license ORDER BY x.no`);
  await step('components', sql`INSERT INTO components (id, project_id, package_version_id, purl, created_at) SELECT c.id, c.project_id, c.version_id, v.purl, now() - make_interval(days => c.slot * 30) FROM seed_component c JOIN seed_version v ON v.id = c.version_id`);
  await step('scan_components', sql`INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, depends_on, direct, depth, scope, type, license_expression, license_declared, license_tier, description, hashes, evidence, search, name_rank, version_rank, license_rank)
    SELECT x.scan_id, x.component_id, x.version_id, ordinal, CASE WHEN ordinal % 3 = 0 THEN '{}' ELSE ARRAY[(ordinal * 7 + 1) % total, (ordinal * 11 + 3) % total]::int[] END, depth = 1, depth,
      CASE WHEN ordinal % 9 = 0 THEN 'dev' WHEN ordinal % 50 = 0 THEN 'optional' ELSE 'required' END, 'library', license, license, CASE WHEN approval = 'approved' THEN 'allowed' ELSE coalesce(tier, 'unknown') END,
      CASE WHEN ordinal % 2 = 0 THEN 'What the package is for, said in a line of text' END, jsonb_build_object('sha-256', md5(version_id::text) || md5(version_id::text)), 'package-lock.json', component_search(purl), name_rank, version_rank, license_rank
    FROM (
      SELECT s.id AS scan_id, c.id AS component_id, c.version_id, c.approval, c.license, c.tier, v.purl, c.depth, count(*) OVER w AS total, (row_number() OVER (w ORDER BY v.purl_rank) - 1)::int AS ordinal,
        dense_rank() OVER (w ORDER BY v.name_rank) AS name_rank, dense_rank() OVER (w ORDER BY v.version_rank) AS version_rank, CASE WHEN c.license IS NOT NULL THEN dense_rank() OVER (w ORDER BY c.license COLLATE "C" NULLS LAST) END AS license_rank
      FROM seed_scan s JOIN scans r ON r.id = s.id AND r.status = 'succeeded' JOIN seed_component c ON c.no = s.no
        AND CASE s.role WHEN 'current' THEN c.slot < 9 WHEN 'previous' THEN c.slot BETWEEN 1 AND 9 WHEN 'release' THEN c.slot BETWEEN 5 AND 11 ELSE c.place <= ${sql.lit(KEPT)} END
      JOIN seed_version v ON v.id = c.version_id WINDOW w AS (PARTITION BY s.id)
    ) x`);
  await step('what scans count', sql`UPDATE scans s SET component_count = c.total, occurrence_count = c.total, license_expressions = coalesce(c.expressions, '{}')
    FROM (SELECT scan_id, sum(total)::int AS total, array_agg(license_expression ORDER BY license_expression COLLATE "C") FILTER (WHERE license_expression IS NOT NULL) AS expressions
      FROM (SELECT scan_id, license_expression, count(*) AS total FROM scan_components GROUP BY scan_id, license_expression) g GROUP BY scan_id) c WHERE c.scan_id = s.id`);
  await step('license_findings', sql`INSERT INTO license_findings (project_id, component_id, license_id, kind)
    SELECT c.project_id, c.id, l.id, 'declared' FROM seed_component c JOIN licenses l ON l.spdx_id = ANY(string_to_array(c.license, ' OR '))`);
  await step('approvals', sql`INSERT INTO approvals (project_id, component_id, license_expression, status, requested_at, decided_by_user_id, decided_at)
    SELECT c.project_id, c.id, c.license, c.approval, now() - make_interval(mins => (c.key % 400000)::int), CASE WHEN c.approval IN ('approved', 'rejected') THEN s.id END, CASE WHEN c.approval IN ('approved', 'rejected') THEN now() END
    FROM seed_component c JOIN seed_user s ON s.no = 1 + c.key % ${sql.lit(size.users)} WHERE c.approval IS NOT NULL`);
}

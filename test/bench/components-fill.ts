/**
 * Fills a migrated database by set-based SQL, about a minute: 200 projects of 10 scans of 1,000 components, and one project whose scan
 * has 100,000. What scans share, how names, licences and depths are spread, and 5 % of components with findings are as in real projects.
 */
import { sql } from 'kysely';
import type { Db } from '../../src/db/connect.ts';

const PROJECTS = 200;
const SCANS = 10;
const SMALL = 1_000;
const LARGE = 100_000;
/** Components that a scan has new against the one before. */
const CHURN = 30;
const PACKAGES = 25_000;
const VERSIONS = 6;

export interface Filled {
  /** Ids of the project of 100,000 components and of one of the others. */
  large: string;
  small: string;
}

export async function fillComponents(db: Db): Promise<Filled> {
  const { rows: [team] } = await sql<{ id: string }>`INSERT INTO teams (name, slug) VALUES ('Bench', 'bench') RETURNING id`.execute(db);
  await fillPackages(db);
  await sql`
    INSERT INTO projects (team_id, name, slug) SELECT ${team?.id}, 'Project ' || n, 'project-' || n FROM generate_series(0, ${sql.lit(PROJECTS)}) AS n`.execute(db);
  await fillScans(db);
  await fillScanComponents(db);
  await fillFindings(db);
  for (const table of ['packages', 'package_versions', 'components', 'scan_components', 'scans', 'projects', 'license_findings', 'matches', 'findings', 'vulnerabilities']) await sql`VACUUM ANALYZE ${sql.table(table)}`.execute(db);
  const filled = await findFilled(db);
  if (filled === null) throw new Error('nothing was filled');
  return filled;
}

/** Null where the database was not filled. */
export async function findFilled(db: Db): Promise<Filled | null> {
  const { rows: [large, small] } = await sql<{ id: string }>`SELECT id FROM projects WHERE slug IN ('project-0', 'project-77') AND current_scan_id IS NOT NULL ORDER BY slug`.execute(db);
  return large === undefined || small === undefined ? null : { large: large.id, small: small.id };
}

async function fillPackages(db: Db): Promise<void> {
  await sql`
    INSERT INTO packages (type, namespace, name)
    SELECT (ARRAY['npm', 'npm', 'npm', 'pypi', 'maven', 'golang'])[n % 6 + 1], CASE WHEN n % 6 = 4 THEN 'org.example.group' || n % 300 WHEN n % 12 = 2 THEN '@scope' || n % 200 ELSE '' END,
      (ARRAY['react', 'lodash', 'http', 'json', 'parser', 'core', 'util', 'express', 'babel-plugin', 'types'])[n % 10 + 1] || '-' || substr(md5(n::text), 1, 6)
    FROM generate_series(1, ${sql.lit(PACKAGES)}) AS n`.execute(db);
  await sql`
    INSERT INTO package_versions (package_id, version, matched_at)
    SELECT p.id, v || '.' || p.id % 20 || '.' || (p.id + v) % 9, now() FROM packages p, generate_series(1, ${sql.lit(VERSIONS)}) AS v`.execute(db);
}

async function fillScans(db: Db): Promise<void> {
  await sql`
    INSERT INTO scans (project_id, kind, status, ref, is_current, commit_sha, component_count, created_at, completed_at)
    SELECT p.id, 'sbom', 'succeeded', 'main', s = ${sql.lit(SCANS)}, md5(p.slug || s), CASE WHEN p.slug = 'project-0' THEN ${sql.lit(LARGE)} ELSE ${sql.lit(SMALL)} END,
      now() - make_interval(days => 30 - s), now() - make_interval(days => 30 - s)
    FROM projects p, generate_series(1, ${sql.lit(SCANS)}) AS s WHERE p.slug <> 'project-0' OR s = ${sql.lit(SCANS)}`.execute(db);
  await sql`UPDATE projects p SET current_scan_id = s.id FROM scans s WHERE s.project_id = p.id AND s.is_current`.execute(db);
  await sql`
    INSERT INTO components (project_id, package_version_id, purl)
    SELECT p.id, v.id, 'pkg:' || k.type || '/' || CASE WHEN k.namespace = '' THEN '' ELSE replace(k.namespace, '@', '%40') || '/' END || k.name || '@' || v.version
    FROM projects p CROSS JOIN LATERAL generate_series(0, CASE WHEN p.slug = 'project-0' THEN ${sql.lit(LARGE)} ELSE ${sql.lit(SMALL + SCANS * CHURN)} END - 1) AS n
    JOIN package_versions v ON v.id = (split_part(p.slug, '-', 2)::bigint * 7919 + n * 131) % ${sql.lit(PACKAGES * VERSIONS)} + 1
    JOIN packages k ON k.id = v.package_id`.execute(db);
}

/** Each scan of a project has its components from `CHURN` times its number on; the large one has all. */
async function fillScanComponents(db: Db): Promise<void> {
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, depends_on, direct, depth, scope, type, license_expression, license_declared, license_tier, description, hashes, evidence,
      search, name_rank, version_rank, license_rank)
    SELECT scan_id, component_id, package_version_id, ordinal,
      CASE WHEN ordinal % 3 = 0 THEN '{}' ELSE ARRAY[(ordinal * 7 + 1) % total, (ordinal * 11 + 3) % total, (ordinal * 13 + 5) % total] END, ordinal % 33 = 0, CASE WHEN ordinal % 33 = 0 THEN 1 ELSE 2 + ordinal % 7 END,
      CASE WHEN ordinal % 9 = 0 THEN 'dev' WHEN ordinal % 50 = 0 THEN 'optional' ELSE 'required' END, 'library', license, license, 
      CASE WHEN license IS NULL OR license LIKE 'LicenseRef-%' THEN 'unknown' WHEN license LIKE '%GPL-3%' THEN 'forbidden' WHEN license LIKE 'MPL%' THEN 'conditional' ELSE 'allowed' END,
      CASE WHEN ordinal % 2 = 0 THEN 'What the package is for, said in a line of text of a common length' END, jsonb_build_object('sha-256', md5(ordinal::text) || md5(total::text)), 'app/package-lock.json',
      component_search(purl), dense_rank() OVER (PARTITION BY scan_id ORDER BY name COLLATE "C"), dense_rank() OVER (PARTITION BY scan_id ORDER BY version COLLATE "C"),
      CASE WHEN license IS NOT NULL THEN dense_rank() OVER (PARTITION BY scan_id ORDER BY license COLLATE "C") END
    FROM (
      SELECT s.id AS scan_id, c.id AS component_id, c.package_version_id, c.purl, k.name, v.version, s.component_count AS total,
        (row_number() OVER (PARTITION BY s.id ORDER BY c.purl COLLATE "C") - 1)::int AS ordinal,
        CASE WHEN c.package_version_id % 20 < 11 THEN 'MIT' WHEN c.package_version_id % 20 < 14 THEN 'Apache-2.0' WHEN c.package_version_id % 20 = 14 THEN 'MIT OR Apache-2.0' WHEN c.package_version_id % 20 = 15 THEN 'GPL-3.0-only'
          WHEN c.package_version_id % 20 = 16 THEN 'MPL-2.0' WHEN c.package_version_id % 20 = 17 THEN 'LicenseRef-own-' || c.package_version_id % 200 WHEN c.package_version_id % 20 = 18 THEN 'BSD-3-Clause' END AS license
      FROM scans s
      CROSS JOIN LATERAL (
        SELECT c.* FROM (SELECT c.*, row_number() OVER (ORDER BY c.id) AS place FROM components c WHERE c.project_id = s.project_id) c
        WHERE s.component_count = ${sql.lit(LARGE)} OR c.place > ${sql.lit(CHURN)} * (SELECT count(*) FROM scans older WHERE older.project_id = s.project_id AND older.created_at < s.created_at)
        ORDER BY c.place LIMIT s.component_count
      ) c
      JOIN package_versions v ON v.id = c.package_version_id JOIN packages k ON k.id = v.package_id
    ) placed ORDER BY scan_id, ordinal`.execute(db);
  await sql`
    UPDATE scans s SET license_expressions = l.expressions
    FROM (SELECT scan_id, array_agg(DISTINCT license_expression ORDER BY license_expression) AS expressions FROM scan_components WHERE license_expression IS NOT NULL GROUP BY scan_id) l
    WHERE l.scan_id = s.id`.execute(db);
}

/** 5 % of the versions have one to three vulnerabilities. */
async function fillFindings(db: Db): Promise<void> {
  await sql`
    INSERT INTO vulnerabilities (external_id, severity, cvss_score, summary)
    SELECT 'CVE-2026-' || n, (ARRAY['critical', 'high', 'high', 'medium', 'medium', 'medium', 'low', 'unknown'])[n % 8 + 1], n % 100 / 10.0, 'A fault' FROM generate_series(1, 3000) AS n`.execute(db);
  await sql`
    INSERT INTO matches (package_version_id, vulnerability_id, advisory_ids, fixed_version)
    SELECT v.id, x.id, ARRAY[x.external_id], CASE WHEN x.id % 3 > 0 THEN '99.0.0' END
    FROM package_versions v CROSS JOIN LATERAL generate_series(0, v.id % 3) AS n JOIN vulnerabilities x ON x.id = abs(hashint8(v.id * 4 + n)::bigint) % 3000 + 1
    WHERE v.id % 20 = 7 ON CONFLICT DO NOTHING`.execute(db);
  await sql`
    INSERT INTO findings (project_id, component_id, vulnerability_id, status)
    SELECT c.project_id, c.id, m.vulnerability_id, CASE WHEN m.vulnerability_id % 10 = 0 THEN 'not_affected' ELSE 'new' END FROM components c JOIN matches m ON m.package_version_id = c.package_version_id`.execute(db);
}

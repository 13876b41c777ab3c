/** Packages with their versions, vulnerabilities, and which versions they reach. */
import { sql } from 'kysely';
import { versionKey } from '../../../src/advisories/versions/index.ts';
import { KEY_REVISION } from '../../../src/db/packages.ts';
import { pick, u, type Seed } from './random.ts';

/** Versions of the packages that everybody uses; others have fewer. */
const MOST_VERSIONS = 120;
const POPULAR = 0.025;
const ECOSYSTEMS = ['npm', 'PyPI', 'Maven', 'Go'] as const;
const n = sql`n`;
const revision = sql.lit(KEY_REVISION);

/** As the packages of one ecosystem number them. */
const versionNumber = (place: number, ecosystem: string): string => `${ecosystem === 'Go' ? 'v' : ''}${1 + Math.floor(place / 20)}.${place % 20}.${place % 3}`;

export async function seedPackages({ tx, step, size }: Seed): Promise<void> {
  const numbers = ECOSYSTEMS.flatMap((ecosystem) => Array.from({ length: MOST_VERSIONS + 1 }, (_, place) => ({ ecosystem, place, version: versionNumber(place, ecosystem) })));
  await sql`CREATE TEMP TABLE seed_number ON COMMIT DROP AS SELECT * FROM unnest(${numbers.map((one) => one.ecosystem)}::text[], ${numbers.map((one) => one.place)}::int[], ${numbers.map((one) => one.version)}::text[],
    ${numbers.map((one) => versionKey(one.ecosystem, one.version))}::bytea[]) AS t (ecosystem, place, version, key)`.execute(tx);
  await step('seed_package', sql`CREATE TEMP TABLE seed_package ON COMMIT DROP AS
    SELECT x.*, (sum(versions) OVER (ORDER BY id) - versions + 1)::bigint AS first_version,
      CASE type WHEN 'npm' THEN CASE WHEN namespace = '' THEN name ELSE namespace || '/' || name END WHEN 'maven' THEN namespace || ':' || name WHEN 'golang' THEN namespace || '/' || name ELSE name END AS match_name,
      'pkg:' || type || '/' || CASE WHEN namespace = '' THEN '' ELSE replace(namespace, '@', '%40') || '/' END || name || '@' AS purl
    FROM (
      SELECT n AS id, type, (ARRAY['npm', 'PyPI', 'Maven', 'Go'])[array_position(ARRAY['npm', 'pypi', 'maven', 'golang'], type)] AS ecosystem,
        CASE type WHEN 'maven' THEN 'org.example.group' || n % 900 WHEN 'golang' THEN 'github.com/owner' || n % 2000 WHEN 'npm' THEN CASE WHEN n % 4 = 0 THEN '@scope' || n % 400 ELSE '' END ELSE '' END AS namespace,
        ${pick(u(n, 11), ['react', 'lodash', 'http', 'json', 'parser', 'core', 'util', 'express', 'babel-plugin', 'types', 'spring', 'log', 'crypto', 'yaml', 'stream', 'cache'])} || '-' || substr(md5(n::text), 1, 4) || to_hex(n) AS name,
        least(${sql.lit(MOST_VERSIONS)}, 3 + floor(32 * ${u(n, 12)} ^ 3) + CASE WHEN n <= ${sql.lit(size.packages * POPULAR)} THEN 80 ELSE 0 END)::int AS versions
      FROM (SELECT n, ${pick(u(n, 13), ['npm', 'npm', 'npm', 'npm', 'pypi', 'pypi', 'maven', 'maven', 'golang'])} AS type FROM generate_series(1, ${sql.lit(size.packages)}) n) n
    ) x`);
  await step('packages', sql`INSERT INTO packages (id, type, namespace, name, ecosystem, match_name) OVERRIDING SYSTEM VALUE SELECT id, type, namespace, name, ecosystem, match_name FROM seed_package ORDER BY id`);
  await step('seed_version', sql`CREATE TEMP TABLE seed_version ON COMMIT DROP AS
    SELECT p.first_version + k AS id, p.id AS package_id, k AS place, v.version, p.purl || v.version AS purl, v.key,
      dense_rank() OVER (ORDER BY p.name COLLATE "C") AS name_rank, dense_rank() OVER (ORDER BY v.version COLLATE "C") AS version_rank, row_number() OVER (ORDER BY (p.purl || v.version) COLLATE "C") AS purl_rank,
      ${pick(u(sql`p.id`, 14), ['MIT', 'MIT', 'MIT', 'MIT', 'MIT', 'MIT', 'MIT', 'Apache-2.0', 'Apache-2.0', 'Apache-2.0', 'BSD-3-Clause', 'ISC', 'MIT OR Apache-2.0', 'MPL-2.0', 'LGPL-2.1-only', 'GPL-3.0-only', 'LicenseRef-own', 'none', 'none', 'BSD-2-Clause'])} AS license
    FROM seed_package p CROSS JOIN LATERAL generate_series(0, p.versions - 1) k JOIN seed_number v ON v.ecosystem = p.ecosystem AND v.place = k`);
  await step('package_versions', sql`INSERT INTO package_versions (id, package_id, version, version_key, matched_at, key_revision) OVERRIDING SYSTEM VALUE SELECT id, package_id, version, key, now(), ${revision} FROM seed_version ORDER BY id`);
}

export async function seedVulnerabilities({ step, size }: Seed): Promise<void> {
  await step('vulnerabilities', sql`INSERT INTO vulnerabilities (id, external_id, aliases, summary, details, severity, cvss_score, cvss_vector, cwes, refs, epss_score, epss_percentile, kev_added_on, published_at, modified_at) OVERRIDING SYSTEM VALUE
    SELECT n, CASE WHEN n % 5 > 0 THEN 'CVE-' || 2015 + n % 12 || '-' || 10000 + n ELSE 'GHSA-' || substr(md5(n::text), 1, 4) || '-' || substr(md5(n::text), 5, 4) || '-' || substr(md5(n::text), 9, 4) END,
      CASE WHEN n % 5 > 0 THEN ARRAY['GHSA-' || substr(md5(n::text), 1, 4) || '-' || substr(md5(n::text), 5, 4) || '-' || substr(md5(n::text), 9, 4)] ELSE '{}' END,
      ${pick(u(n, 21), ['Prototype pollution', 'Path traversal', 'Cross-site scripting', 'Denial of service by regular expression', 'SQL injection', 'Use after free', 'Remote code execution', 'Open redirect'])} || ' in ' || ${pick(u(n, 22), ['the parser', 'the router', 'deserialisation', 'the template engine', 'header handling', 'archive extraction', 'logging', 'token validation'])} || ' (number ' || n || ')',
      repeat('What goes wrong, told at some length as records do it. ', 1 + floor(8 * ${u(n, 23)})::int),
      CASE WHEN score IS NULL THEN 'unknown' WHEN score >= 9 THEN 'critical' WHEN score >= 7 THEN 'high' WHEN score >= 4 THEN 'medium' ELSE 'low' END, score, CASE WHEN score IS NOT NULL THEN 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' END,
      ARRAY['CWE-' || 20 + floor(900 * ${u(n, 24)} ^ 4)], jsonb_build_array(jsonb_build_object('type', 'WEB', 'url', 'https://example.org/' || n)), ${u(n, 25)} ^ 6, ${u(n, 25)}, CASE WHEN n % 200 = 0 THEN now() - make_interval(days => n % 900) END,
      now() - make_interval(hours => floor(80000 * ${u(n, 26)})::int), now() - make_interval(hours => floor(8000 * ${u(n, 27)})::int)
    FROM (SELECT n, CASE WHEN n % 33 > 0 THEN (1 + 9 * ${u(n, 28)} ^ 0.7)::numeric(3, 1) END AS score FROM generate_series(1, ${sql.lit(size.vulnerabilities)}) n) n`);
  await step('seed_pair', sql`CREATE TEMP TABLE seed_pair ON COMMIT DROP AS
    SELECT *, CASE WHEN fix < versions THEN fix END AS fixed FROM (
      SELECT DISTINCT ON (p.id, vulnerability_id) p.id AS package_id, p.versions, p.first_version, p.ecosystem, p.match_name, vulnerability_id, 1 + floor(p.versions * (0.3 + ${u(sql`p.id * 1000 + k`, 31)}))::int AS fix
      FROM seed_package p CROSS JOIN LATERAL generate_series(1, 1 + floor(CASE WHEN p.id <= ${sql.lit(size.packages * POPULAR)} THEN 88 ELSE 44 END * ${u(sql`p.id`, 32)} ^ 3)::int) k
      CROSS JOIN LATERAL (SELECT 1 + floor(${sql.lit(size.found)} * ${u(sql`p.id * 1000 + k`, 33)})::bigint AS vulnerability_id) v
      WHERE ${u(sql`p.id`, 34)} < 0.45 ORDER BY p.id, vulnerability_id, k) x`);
  await step('advisories', sql`INSERT INTO advisories (id, vulnerability_id, names, modified_at, content_hash, facts) SELECT 'SEED-' || v.id, v.id, ARRAY['SEED-' || v.id, v.external_id], v.modified_at, sha256(convert_to(v.external_id, 'UTF8')), '{}' FROM vulnerabilities v WHERE v.id <= ${sql.lit(size.found)}`);
  await step('advisory_ranges', sql`INSERT INTO advisory_ranges (advisory_id, ecosystem, match_name, introduced, introduced_key, fixed, fixed_key, key_revision)
    SELECT 'SEED-' || s.vulnerability_id, s.ecosystem, s.match_name, '0', '', f.version, f.key, ${revision} FROM seed_pair s LEFT JOIN seed_number f ON f.ecosystem = s.ecosystem AND f.place = s.fixed`);
  await step('matches', sql`INSERT INTO matches (package_version_id, vulnerability_id, advisory_ids, fixed_version)
    SELECT s.first_version + k, s.vulnerability_id, ARRAY['SEED-' || s.vulnerability_id], f.version
    FROM seed_pair s CROSS JOIN LATERAL generate_series(0, coalesce(s.fixed, s.versions) - 1) k LEFT JOIN seed_number f ON f.ecosystem = s.ecosystem AND f.place = s.fixed ORDER BY 1, 2`);
}

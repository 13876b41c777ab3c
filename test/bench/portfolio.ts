/**
 * Searches over the portfolio: 1,000 projects of 20 teams with 1,000 components and 1,000 findings each, 250,000 vulnerabilities of which 20,000 are found somewhere. As a super admin,
 * who sees everything, and as a member of one team. Against the list of a project's findings as the baseline.
 * `sh scripts/node.sh test/bench/portfolio.ts`
 */
import { sql } from 'kysely';
import { versionKey } from '../../src/advisories/versions/index.ts';
import type { ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const PROJECTS = 1_000;
const TEAMS = 20;
const PACKAGES = 50_000;
const COMPONENTS = 1_000;
const KNOWN = 250_000;
const FOUND = 20_000;
const ROUNDS = 20;

const { portal, admin, anonymous, database } = await startTestPortal({}, { api: true, worker: false });
const { db } = database;

async function seed(): Promise<{ project: string; member: ContractClient }> {
  const user = await newUser(anonymous, database, 'developer');
  const first = await newProject(admin, { team_id: user.teamId });
  const n = (value: number) => sql.lit(value);
  await sql`INSERT INTO teams (name, slug) SELECT 'Team ' || n, 'bench-team-' || n FROM generate_series(2, ${n(TEAMS)}) n`.execute(db);
  await sql`INSERT INTO packages (type, name, ecosystem, match_name) SELECT 'npm', 'package-' || n, 'npm', 'package-' || n FROM generate_series(1, ${n(PACKAGES)}) n`.execute(db);
  await sql`INSERT INTO package_versions (package_id, version, version_key, matched_at) SELECT id, '1.0.0', ${versionKey('npm', '1.0.0')}, now() FROM packages`.execute(db);
  await sql`
    INSERT INTO vulnerabilities (external_id, aliases, severity, cvss_score, epss_score, summary, kev_added_on)
    SELECT 'CVE-2024-' || 10000 + n, ARRAY['GHSA-' || n], (ARRAY['critical', 'high', 'medium', 'low', 'unknown'])[1 + n * 7 % 5], 1 + n % 90 / 10.0, n * 7919 % 99991 / 100000.0, 'Something is wrong with number ' || n, CASE WHEN n % 200 = 0 THEN now() END
    FROM generate_series(1, ${n(KNOWN)}) n`.execute(db);
  await sql`INSERT INTO projects (team_id, name, slug) SELECT t.id, 'Portfolio ' || n, 'portfolio-' || n FROM generate_series(2, ${n(PROJECTS)}) n JOIN (SELECT id, row_number() OVER () AS place FROM teams) t ON t.place = 1 + n % ${n(TEAMS)}`.execute(db);
  await sql`INSERT INTO scans (project_id, kind, status, is_current, ref, completed_at) SELECT id, 'sbom', 'succeeded', true, 'main', now() FROM projects`.execute(db);
  await sql`UPDATE projects p SET current_scan_id = s.id FROM scans s WHERE s.project_id = p.id`.execute(db);
  await sql`
    INSERT INTO components (project_id, package_version_id, purl)
    SELECT p.id, pv.id, 'pkg:npm/package-' || pv.package_id || '@1.0.0' FROM (SELECT id, row_number() OVER () AS place FROM projects) p CROSS JOIN generate_series(0, ${n(COMPONENTS - 1)}) k
    JOIN package_versions pv ON pv.package_id = 1 + (k * k * 3 + p.place * 131 + k * 17) % ${n(PACKAGES)} ON CONFLICT DO NOTHING`.execute(db);
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, direct, depth, scope, type, license_tier)
    SELECT s.id, c.id, c.package_version_id, row_number() OVER (PARTITION BY s.id) - 1, true, 1, 'required', 'library', 'allowed' FROM scans s JOIN components c ON c.project_id = s.project_id`.execute(db);
  await sql`
    INSERT INTO findings (project_id, component_id, vulnerability_id, in_current_scan, severity_rank, fixable, priority)
    SELECT c.project_id, c.id, v.id, true, 1, true, 40 FROM components c JOIN package_versions pv ON pv.id = c.package_version_id CROSS JOIN generate_series(0, 1) k
    JOIN vulnerabilities v ON v.id = 1 + (pv.package_id * 2 + k) % ${n(FOUND)} WHERE pv.package_id % 2 = 0`.execute(db);
  await sql`VACUUM (ANALYZE) findings, components, scan_components, vulnerabilities, packages, package_versions, projects, scans`.execute(db);
  return { project: first, member: user.client };
}

async function measure(name: string, client: ContractClient, path: string): Promise<void> {
  const times: number[] = [];
  let total: unknown;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    const answer = await fetch(portal.url + path, { headers: { Authorization: `Bearer ${client.token ?? ''}` } });
    const body: unknown = await answer.json();
    times.push(performance.now() - start);
    total = typeof body === 'object' && body !== null && 'total' in body ? body.total : JSON.stringify(body).slice(0, 100);
  }
  times.sort((a, b) => a - b);
  console.log(`| ${name} · \`${path}\` | ${String(total)} | ${(times[Math.floor(ROUNDS / 2)] ?? 0).toFixed(1)} | ${(times[Math.floor(ROUNDS * 0.95)] ?? 0).toFixed(1)} |`);
}

async function bench(): Promise<void> {
  const { project, member } = await seed();
  const { rows } = await sql<{ findings: number; components: number }>`SELECT (SELECT count(*)::int FROM findings) AS findings, (SELECT count(*)::int FROM components) AS components`.execute(db);
  console.log(JSON.stringify(rows[0]));
  await measure('baseline', admin, `/v1/projects/${project}/vulnerabilities`);
  for (const [name, client] of [['all', admin], ['one team', member]] as const) {
    for (const query of ['', '?sort=-epss', '?sort=cve_id&offset=10000', '?sort=-cvss,-modified_at', '?severity=critical', '?kev=true', '?min_epss=0.9', '?fix_available=false', '?q=number%2012', '?status=suppressed']) await measure(name, client, `/v1/vulnerabilities${query}`);
    await measure(name, client, '/v1/vulnerabilities/CVE-2024-10101');
    for (const query of ['', '?sort=project', '?sort=component,-status&offset=20']) await measure(name, client, `/v1/vulnerabilities/CVE-2024-10101/projects${query}`);
    for (const query of ['?purl=pkg:npm/package-100', '?purl=pkg:npm/package-100@1.0.0', '?q=package-12345', '?q=package-123', '?q=package', '?q=package&vulnerable=true&sort=-project']) await measure(name, client, `/v1/components${query}`);
  }
}

suite('portfolio')('bench', bench, { timeoutMs: 1_800_000 });

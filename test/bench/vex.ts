/**
 * VEX of a project with 100,000 findings: out in both formats, into a project without decisions, and again; against an SBOM export of the same scan as the baseline.
 * `sh scripts/node.sh test/bench/vex.ts`
 */
import { sql } from 'kysely';
import { versionKey } from '../../src/advisories/versions/index.ts';
import { member } from '../support/contract.ts';
import { fileForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const COMPONENTS = 10_000;
const VULNERABILITIES = 10;

const { portal, admin, database: { db } } = await startTestPortal({}, { api: true, worker: false });

async function seedPackages(): Promise<void> {
  await sql`INSERT INTO packages (type, name, ecosystem, match_name) SELECT 'npm', 'vex-' || n, 'npm', 'vex-' || n FROM generate_series(1, ${sql.lit(COMPONENTS)}) n`.execute(db);
  await sql`INSERT INTO package_versions (package_id, version, version_key, matched_at) SELECT id, '1.0.0', ${versionKey('npm', '1.0.0')}, now() FROM packages`.execute(db);
  await sql`INSERT INTO vulnerabilities (external_id, aliases, severity) SELECT 'CVE-2024-' || 10000 + n, ARRAY['GHSA-' || n], 'high' FROM generate_series(1, ${sql.lit(COMPONENTS * VULNERABILITIES)}) n`.execute(db);
}

async function seedProject(): Promise<string> {
  const id = await newProject(admin);
  await sql`INSERT INTO scans (project_id, kind, status, is_current, component_count, completed_at) VALUES (${id}, 'sbom', 'succeeded', true, ${COMPONENTS}, now())`.execute(db);
  await sql`UPDATE projects p SET current_scan_id = s.id FROM scans s WHERE s.project_id = p.id AND p.id = ${id}`.execute(db);
  await sql`INSERT INTO components (project_id, package_version_id, purl) SELECT ${id}, pv.id, 'pkg:npm/' || p.name || '@1.0.0' FROM package_versions pv JOIN packages p ON p.id = pv.package_id`.execute(db);
  await sql`
    INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, direct, depth, scope, type, license_tier)
    SELECT s.id, c.id, c.package_version_id, row_number() OVER () - 1, true, 1, 'required', 'library', 'allowed' FROM scans s JOIN components c ON c.project_id = s.project_id WHERE s.project_id = ${id}`.execute(db);
  await sql`
    INSERT INTO findings (project_id, component_id, vulnerability_id, in_current_scan)
    SELECT ${id}, c.id, v.id, true FROM components c JOIN package_versions pv ON pv.id = c.package_version_id
    JOIN vulnerabilities v ON v.id % ${sql.lit(COMPONENTS)} = pv.package_id % ${sql.lit(COMPONENTS)} WHERE c.project_id = ${id}`.execute(db);
  await sql`ANALYZE`.execute(db);
  return id;
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(2)} s, memory ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`);
  return result;
}

const get = async (path: string): Promise<string> => {
  const answer = await fetch(portal.url + path, { headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
  return answer.text();
};

async function bench(): Promise<void> {
  await seedPackages();
  const from = await seedProject();
  await sql`
    UPDATE findings SET version = 2, status = (ARRAY['exploitable', 'not_affected', 'false_positive', 'fixed', 'suppressed'])[1 + vulnerability_id % 5], justification = 'The vulnerable function is never called.',
      decision_scope = 'version', analysis_source = 'manual', analyzed_at = now()`.execute(db);
  await timed('SBOM out', () => get(`/v1/projects/${from}/sbom`));
  for (const format of ['openvex', 'cyclonedx']) {
    const text = await timed(`${format} out`, () => get(`/v1/projects/${from}/vex?format=${format}`));
    const into = await seedProject();
    const bring = () => admin.expect(200, 'importProjectVex', { path: { id: into }, form: fileForm('upload', text, 'vex.json') });
    console.log(`${format}: ${(text.length / 1024 / 1024).toFixed(1)} MiB`);
    for (const round of ['in', 'in again']) {
      const { body } = await timed(`${format} ${round}`, bring);
      console.log(`    ${['matched', 'applied', 'unchanged', 'skipped'].map((name) => `${name} ${String(member(body, name))}`).join(', ')}`);
    }
  }
}

suite('vex')('bench', bench, { timeoutMs: 900_000 });

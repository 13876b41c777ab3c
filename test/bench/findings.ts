/**
 * A project with 100,000 findings: opening them, a scan that changes nothing, the list's pages, one finding, triage of one and of 1,000, the gate.
 * `sh scripts/node.sh test/bench/findings.ts`
 */
import { sql, type RawBuilder } from 'kysely';
import { operations } from '../../generated/operations.ts';
import type { OperationId } from '../../src/http/types.ts';
import { lockMatching } from '../../src/db/matches.ts';
import { refreshFindings } from '../../src/db/refresh.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { evaluateGates, markGate } from '../../src/domain/gate/outcomes.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const COMPONENTS = 5_000;
const EACH = 20;
const ROUNDS = 200;

const { portal, admin, database: { db } } = await startTestPortal({}, { api: true, worker: false });
const project = await newProject(admin);
const run = (statement: RawBuilder<unknown>) => statement.execute(db);

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${name}: ${(performance.now() - start).toFixed(0)} ms`);
  return result;
}
/** Without the contract client, which would spend longer on holding an answer against the contract than the server does on making it. */
async function send(id: OperationId, path: Record<string, string>, { query = {}, headers = {}, json }: { query?: Record<string, string | number | boolean | string[]>; headers?: Record<string, string>; json?: object } = {}) {
  const url = new URL(portal.url + operations[id].path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => path[name] ?? ''));
  for (const [name, value] of Object.entries(query)) for (const one of [value].flat()) url.searchParams.append(name, String(one));
  const response = await fetch(url, {
    method: operations[id].method.toUpperCase(), headers: { Authorization: `Bearer ${admin.token ?? ''}`, ...(json === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  return { status: response.status, text: await response.text() };
}
async function repeated(name: string, rounds: number, work: (round: number) => Promise<{ status: number; text: string }>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    const { status, text } = await work(round);
    times.push(performance.now() - start);
    if (status !== 200) throw new Error(`${name}: ${status} ${text.slice(0, 300)}`);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  console.log(`${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms (${rounds} rounds)`);
}

async function bench(): Promise<void> {
  await timed(`seed ${COMPONENTS} components with ${EACH} vulnerabilities each`, async () => {
    await run(sql`
      INSERT INTO vulnerabilities (external_id, severity, cvss_score, epss_score, kev_added_on, summary)
      SELECT 'CVE-2024-' || (10000 + n), (ARRAY['critical', 'high', 'medium', 'low', 'unknown'])[1 + n % 5], CASE WHEN n % 5 < 4 THEN (ARRAY[9.8, 7.5, 5.3, 2.1])[1 + n % 5] END, random(), CASE WHEN n % 97 = 0 THEN date '2024-05-01' END,
        'A made vulnerability number ' || n FROM generate_series(1, 10000) n`);
    await run(sql`INSERT INTO packages (type, name, ecosystem, match_name) SELECT 'npm', 'made-' || n, 'npm', 'made-' || n FROM generate_series(1, ${sql.lit(COMPONENTS)}) n`);
    await run(sql`INSERT INTO package_versions (package_id, version, matched_at) SELECT id, '1.0.0', now() FROM packages`);
    await run(sql`
      INSERT INTO matches (package_version_id, vulnerability_id, advisory_ids, fixed_version)
      SELECT DISTINCT ON (pv.id, v.id) pv.id, v.id, '{}'::text[], CASE WHEN v.id % 3 > 0 THEN '2.0.0' END
      FROM package_versions pv CROSS JOIN generate_series(1, ${sql.lit(EACH)}) k JOIN vulnerabilities v ON v.id = 1 + (pv.id * 7919 + k * 104729) % 10000`);
    const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind, status, is_current, completed_at) VALUES (${project}, 'sbom', 'succeeded', true, now()) RETURNING id`.execute(db);
    const scan = rows[0]?.id ?? '';
    await run(sql`INSERT INTO components (project_id, package_version_id, purl) SELECT ${project}::uuid, pv.id, 'pkg:npm/' || p.name || '@1.0.0' FROM package_versions pv JOIN packages p ON p.id = pv.package_id`);
    await run(sql`
      INSERT INTO scan_components (scan_id, component_id, package_version_id, ordinal, direct, depth, scope, type, license_tier)
      SELECT ${scan}::uuid, c.id, c.package_version_id, row_number() OVER (ORDER BY c.purl) - 1, c.package_version_id % 10 = 0, 1 + c.package_version_id % 5, 'required', 'library', 'allowed' FROM components c`);
    await run(sql`UPDATE projects SET current_scan_id = ${scan} WHERE id = ${project}`);
    await run(sql`ANALYZE`);
  });
  const refresh = () => inTransaction(db, async (tx) => {
    await lockMatching(tx, 'shared');
    const { rows } = await sql<{ id: string }>`SELECT id FROM scans WHERE project_id = ${project}`.execute(tx);
    const changes = await refreshFindings(tx, { projectId: project, scanIds: rows.map(({ id }) => id) });
    await markGate(tx, portal.services, project, 'scan');
    return changes;
  });
  console.log(await timed('refreshFindings, all new', refresh));
  await run(sql`VACUUM ANALYZE findings`);
  console.log(await timed('refreshFindings, nothing new', refresh));
  await timed('evaluateGates', () => evaluateGates(portal.services));

  const list = (query: Record<string, string | number | boolean | string[]>) => () => send('listProjectVulnerabilities', { id: project }, { query });
  await repeated('first page', ROUNDS, list({}));
  await repeated('page at 50,000', 30, list({ offset: 50_000 }));
  await repeated('open only', ROUNDS, list({ status: ['new', 'analyzing', 'exploitable'] }));
  await repeated('critical and high with a fix', ROUNDS, list({ severity: ['critical', 'high'], fix_available: true }));
  await repeated('kev', ROUNDS, list({ kev: true }));
  await repeated('EPSS at least 0.9', 50, list({ min_epss: 0.9 }));
  await repeated('direct', 50, list({ direct: true }));
  await repeated('text', 30, list({ q: 'made-77' }));
  for (const sort of ['severity', '-cvss', 'cve_id', 'component', '-discovered_at']) await repeated(`sort ${sort}`, 30, list({ sort }));
  await repeated('gate', 50, () => send('getProjectGateResult', { id: project }));
  const { rows: ids } = await sql<{ id: string }>`SELECT id FROM findings WHERE project_id = ${project} ORDER BY md5(id::text) LIMIT 3000`.execute(db);
  const path = (round: number) => ({ finding_id: ids[round]?.id ?? '' });
  await repeated('one finding', 50, (round) => send('getVulnerabilityFinding', path(round)));
  await repeated('triage of one', 50, (round) => send('updateVulnerabilityFindingStatus', path(round), { headers: { 'If-Match': '1' }, json: { status: 'analyzing' } }));
  await repeated('triage of 1,000', 2, (round) => {
    const findings = ids.slice(1000 + round * 1000, 2000 + round * 1000).map(({ id }) => ({ finding_id: id }));
    return send('updateProjectVulnerabilityStatuses', { id: project }, { json: { mode: 'all_or_nothing', status: 'analyzing', findings } });
  });
  await repeated('getProject', 30, () => send('getProject', { id: project }));
  await repeated('first page, after triage and before a vacuum', ROUNDS, list({}));
}

suite('findings')('a project with 100,000 of them', bench, { timeoutMs: 600_000 });

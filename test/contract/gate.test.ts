/** The gate over time: pending while the named scan runs, and changes of outcome remembered, whatever brought them about. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { evaluateGates, markAging } from '../../src/domain/gate/outcomes.ts';
import { runScan } from '../../src/domain/scans/run.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

// no worker: the test says when jobs run
const { portal, admin, database } = await startTestPortal({}, { api: true, worker: false });
const { db } = database;
const CRITICAL = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
await importFiles(portal.services, osv({ id: 'GHSA-g', name: 'bad', cvss: CRITICAL }));

const queue = async (project: string, ...purls: string[]): Promise<string> => {
  const form = sbomForm(cycloneDx(purls.map((purl) => ({ purl, license: 'MIT' }))));
  return String(member((await admin.expect(202, 'createScan', { path: { id: project }, form })).body, 'id'));
};
const run = (scan: string): Promise<void> => runScan(portal.services, scan, new AbortController().signal);
const scan = async (project: string, ...purls: string[]): Promise<string> => {
  const id = await queue(project, ...purls);
  await run(id);
  await evaluateGates(portal.services);
  return id;
};
const gate = async (project: string, query: Record<string, string> = {}) => {
  const { body } = await admin.expect(200, 'getProjectGateResult', { path: { id: project }, query });
  return { gate: member(body, 'gate'), previous: member(body, 'previous'), changedAt: member(body, 'changed_at'), rules: member(body, 'reasons'), scan: member(body, 'scan_id') };
};
const outcomes = async (project: string): Promise<string[]> => (await sql<{ outcome: string; previous: string | null; cause: string }>`
  SELECT outcome, previous, cause FROM gate_outcomes WHERE project_id = ${project} ORDER BY id`.execute(db)).rows.map(({ outcome, previous, cause }) => `${cause}: ${previous ?? 'none'} > ${outcome}`);
const finding = async (project: string) => {
  const { rows } = await sql<{ id: string; version: number }>`SELECT id, version FROM findings WHERE project_id = ${project}`.execute(db);
  assert.ok(rows[0]);
  return rows[0];
};
const triage = async (project: string, status: string): Promise<void> => {
  const { id, version } = await finding(project);
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': String(version) }, json: { status, justification: 'Looked at by the team.' } });
};

const test = suite('getProjectGateResult over time');
test('is pending while the named scan is queued and runs, never the result before', async () => {
  const project = await newProject(admin);
  const first = await scan(project, 'pkg:npm/good@1.0.0');
  const second = await queue(project, 'pkg:npm/bad@1.0.0');
  assert.equal([(await gate(project)).gate, (await gate(project, { scan_id: second })).gate], ['pass', 'pending']);
  await sql`UPDATE scans SET status = 'running' WHERE id = ${second}`.execute(db);
  const running = await gate(project, { scan_id: second });
  assert.equal([running.gate, running.previous, running.changedAt, running.rules, running.scan], ['pending', null, null, [], second]);
  await run(second);
  assert.equal([(await gate(project, { scan_id: second })).gate, (await gate(project, { scan_id: first })).gate, (await gate(project)).scan], ['fail', 'pass', second]);
});
test('remembers changes by a scan, a triage, an import and a policy, and no repeats', async () => {
  const project = await newProject(admin);
  await scan(project, 'pkg:npm/good@1.0.0');
  await scan(project, 'pkg:npm/good@1.0.0');
  const clean = await gate(project);
  assert.equal([clean.gate, clean.previous], ['pass', null]);
  await scan(project, 'pkg:npm/bad@1.0.0');
  await triage(project, 'analyzing');
  await triage(project, 'not_affected');
  // the change is seen at once, and noted when the job has run
  const seen = await gate(project);
  assert.equal([seen.gate, seen.previous], ['pass', 'fail']);
  await evaluateGates(portal.services);
  const noted = await gate(project);
  assert.equal([noted.gate, noted.previous], ['pass', 'fail']);
  assert.is((await gate(project)).changedAt, noted.changedAt);
  await importFiles(portal.services, osv({ id: 'GHSA-later', name: 'bad', fixed: '1.5.0', cvss: CRITICAL }));
  await evaluateGates(portal.services);
  await admin.expect(200, 'updateProject', { path: { id: project }, headers: { 'If-Match': '1' }, json: { gate: { severity_threshold: null } } });
  await evaluateGates(portal.services);
  await importFiles(portal.services, osv({ id: 'GHSA-later', name: 'bad', fixed: '0.5.0', modified: '2024-02-01T00:00:00Z' }));
  await evaluateGates(portal.services);
  assert.equal(await outcomes(project), ['scan: none > pass', 'scan: pass > fail', 'triage: fail > pass', 'import: pass > fail', 'policy: fail > pass']);
});
test('remembers that a severity, CISA\'s catalogue or an EPSS score has changed what an old finding is', async () => {
  const project = await newProject(admin, { gate: { epss_threshold: 0.1, unknown_severity: 'off' } });
  await importFiles(portal.services, osv({ id: 'GHSA-s', aliases: ['CVE-2024-5001'], name: 'slow' }));
  await scan(project, 'pkg:npm/slow@1.0.0');
  const steps = [
    osv({ id: 'GHSA-s', aliases: ['CVE-2024-5001'], name: 'slow', cvss: CRITICAL, modified: '2024-02-01T00:00:00Z' }), osv({ id: 'GHSA-s', aliases: ['CVE-2024-5001'], name: 'slow', modified: '2024-03-01T00:00:00Z' }),
    { catalogVersion: '1', vulnerabilities: [{ cveID: 'CVE-2024-5001', dateAdded: '2024-05-01' }] }, { catalogVersion: '1', vulnerabilities: [] },
    'cve,epss,percentile\nCVE-2024-5001,0.101,0.9\n', 'cve,epss,percentile\nCVE-2024-5001,0.099,0.9\n', // both are 6 points of priority
  ];
  for (const step of steps) {
    await importFiles(portal.services, step);
    await evaluateGates(portal.services);
  }
  assert.equal(await outcomes(project), ['scan: none > pass', ...['pass > fail', 'fail > pass', 'pass > fail', 'fail > pass', 'pass > fail', 'fail > pass'].map((change) => `import: ${change}`)]);
});
test('findings that grow too old fail the gate by themselves', async () => {
  const project = await newProject(admin, { gate: { severity_threshold: null, max_age_days: { critical: 7 } } });
  await scan(project, 'pkg:npm/bad@1.0.0');
  await sql`UPDATE findings SET first_detected_at = now() - interval '8 days' - interval '1 minute' WHERE project_id = ${project}`.execute(db);
  await markAging(portal.services);
  await evaluateGates(portal.services);
  assert.equal(await outcomes(project), ['scan: none > pass', 'time: pass > fail']);
  assert.is(member((await gate(project)).rules, 0, 'rule'), 'age');
});
test('several evaluations at once note a change once; a mark that comes meanwhile is looked at', async () => {
  const projects = await Promise.all(Array.from({ length: 5 }, () => newProject(admin)));
  for (const project of projects) await run(await queue(project, 'pkg:npm/bad@1.0.0'));
  const changes = await Promise.all(Array.from({ length: 4 }, () => evaluateGates(portal.services)));
  assert.is(changes.flat().filter(({ project_id: id }) => projects.includes(id)).length, 5);
  for (const project of projects) assert.equal(await outcomes(project), ['scan: none > fail']);
  assert.is((await sql`SELECT FROM gate_checks`.execute(db)).rows.length, 0);
});
test('a purged project takes its outcomes, decisions and history along', async () => {
  const project = await newProject(admin);
  await scan(project, 'pkg:npm/bad@1.0.0');
  const { id, version } = await finding(project);
  await admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: { 'If-Match': String(version) }, json: { status: 'suppressed', justification: 'Looked at by the team.', applies_to: 'package' } });
  await admin.expect(204, 'deleteProject', { path: { id: project } });
  await admin.expect(204, 'deleteProject', { path: { id: project }, query: { purge: true } });
  const { rows } = await sql<{ left: number }>`
    SELECT ((SELECT count(*) FROM finding_events WHERE finding_id = ${id}) + (SELECT count(*) FROM finding_decisions WHERE project_id = ${project}) + (SELECT count(*) FROM gate_outcomes WHERE project_id = ${project})
      + (SELECT count(*) FROM gate_checks WHERE project_id = ${project}))::int AS left`.execute(db);
  assert.is(rows[0]?.left, 0);
});

const jobs = suite('evaluate-gates');
jobs('a worker notes the outcome of a scan and of a triage by itself', async () => {
  const own = await startTestPortal();
  await importFiles(own.portal.services, osv({ id: 'GHSA-g', name: 'bad', cvss: CRITICAL }));
  const project = await newProject(own.admin);
  const reached = async (wanted: string): Promise<void> => {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const { rows } = await sql<{ outcome: string }>`SELECT outcome FROM gate_outcomes WHERE project_id = ${project} ORDER BY id DESC LIMIT 1`.execute(own.database.db);
      if (rows[0]?.outcome === wanted) return;
      assert.ok(Date.now() < deadline, `the outcome is ${rows[0]?.outcome ?? 'not there'}, not ${wanted}`);
    }
  };
  await scanToEnd(own.admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/bad@1.0.0', license: 'MIT' }])));
  await reached('fail');
  const { rows } = await sql<{ id: string }>`SELECT id FROM findings WHERE project_id = ${project}`.execute(own.database.db);
  await own.admin.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: rows[0]?.id ?? '' }, headers: { 'If-Match': '1' }, json: { status: 'suppressed', justification: 'Looked at by the team.' } });
  await reached('pass');
});

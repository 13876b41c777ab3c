/** Triage through the API: every step by every role with every If-Match, decisions that outlive scans, many at once, and at the same time. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { SYSTEM } from '../../src/core/actor.ts';
import { isRecord } from '../../src/core/values.ts';
import { expireFindings } from '../../src/domain/findings/expire.ts';
import { applyDecisions } from '../../src/domain/findings/triage.ts';
import type { FindingStatus } from '../../src/domain/findings/states.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { issueKey } from '../support/api-keys.ts';
import { member, type Answer, type ContractClient } from '../support/contract.ts';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal();
const { db } = database;
await importFiles(portal.services, osv({ id: 'GHSA-a', name: 'alpha' }), osv({ id: 'GHSA-b', name: 'beta' }), osv({ id: 'GHSA-c', name: 'alpha', fixed: '3.0.0' }));
const teamAdmin = await newUser(anonymous, database, 'team_admin');
const developer = await newUser(anonymous, database, 'developer', teamAdmin.teamId);

const WHY = 'The vulnerable function is never called.';
const scan = async (project: string, ...purls: string[]) => scanToEnd(admin, project, sbomForm(cycloneDx(purls.map((purl) => ({ purl })))));
const project = async (...purls: string[]): Promise<string> => {
  const id = await newProject(admin, { team_id: teamAdmin.teamId });
  await scan(id, ...purls);
  return id;
};
interface Row { id: string; status: FindingStatus; version: number; purl: string; cve: string }
const rowsOf = async (projectId: string): Promise<Row[]> => (await sql<Row>`
  SELECT f.id, f.status, f.version, c.purl, v.external_id AS cve FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
  WHERE f.project_id = ${projectId} ORDER BY c.purl, v.external_id`.execute(db)).rows;
const one = async (projectId: string, purl?: string): Promise<Row> => {
  const row = (await rowsOf(projectId)).find((candidate) => purl === undefined || candidate.purl === purl);
  assert.ok(row);
  return row;
};
const states = async (projectId: string): Promise<string[]> => (await rowsOf(projectId)).map(({ purl, status }) => `${purl.slice(8)} ${status}`);
const patch = (client: ContractClient, { id, version }: { id: string; version: number | null }, json: object): Promise<Answer> =>
  client.call('updateVulnerabilityFindingStatus', { path: { finding_id: id }, headers: version === null ? {} : { 'If-Match': `"${version}"` }, json });
/** As the team admin, by way of `analyzing`. */
const decide = async (row: Row, json: { status: FindingStatus } & Record<string, unknown>): Promise<Answer> => {
  let { version } = row;
  if (row.status !== 'analyzing') version = Number(member((await patch(teamAdmin.client, row, { status: 'analyzing' })).body, 'version'));
  const answer = await patch(teamAdmin.client, { id: row.id, version }, { justification: WHY, ...json });
  assert.is(answer.status, 200, answer.text);
  return answer;
};
const force = (id: string, status: FindingStatus) => sql`UPDATE findings SET status = ${status}, version = 7 WHERE id = ${id}`.execute(db);
const history = async (id: string): Promise<string[]> => {
  const { body } = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: id } });
  const events = member(body, 'status_history');
  return Array.isArray(events) ? events.filter(isRecord).map(({ event, source, new_status: to }) => `${String(event)} ${String(source)} ${String(to)}`).reverse() : [];
};

const STATES: readonly FindingStatus[] = ['new', 'analyzing', 'exploitable', 'not_affected', 'false_positive', 'suppressed', 'fixed'];
const ALLOWED: Record<FindingStatus, readonly FindingStatus[]> = {
  new: ['analyzing', 'suppressed'], analyzing: ['exploitable', 'not_affected', 'false_positive', 'fixed', 'suppressed'],
  exploitable: ['analyzing'], not_affected: ['analyzing'], false_positive: ['analyzing'], suppressed: ['analyzing'], fixed: ['analyzing'],
};
const tableProject = await project('pkg:npm/beta@1.0.0');
const subject = (await one(tableProject)).id;
const table = suite('updateVulnerabilityFindingStatus');
for (const from of STATES) {
  for (const [role, client] of [['developer', developer.client], ['team_admin', teamAdmin.client]] as const) {
    table(`a ${role} moves ${from} where the table says so, with the right If-Match only`, async () => {
      for (const to of STATES) {
        const expected = from === to ? 200 : !ALLOWED[from].includes(to) ? 409 : to === 'suppressed' && role === 'developer' ? 403 : 200;
        for (const [version, status] of [[null, 428], [6, 412], [7, expected]] as const) {
          await force(subject, from);
          const answer = await patch(client, { id: subject, version }, { status: to, justification: WHY });
          assert.is(answer.status, status, `${from} to ${to} with ${version ?? 'no'} If-Match: ${answer.text}`);
          const after = await one(tableProject);
          const moved = status === 200 && from !== to;
          assert.equal([after.status, after.version], moved ? [to, 8] : [from, 7]);
          if (status === 200) assert.equal([answer.headers.get('ETag'), member(answer.body, 'status')], [`"${moved ? 8 : 7}"`, to]);
          if (status === 409) assert.equal(member(answer.body, 'allowed_to'), ALLOWED[from]);
          if (status === 412 || status === 428) assert.is(member(answer.body, 'current_version'), 7);
        }
      }
    });
  }
}
table('a justification that is missing or too short, or a member that does not go with the state, is named', async () => {
  await force(subject, 'analyzing');
  for (const [json, pointer] of [
    [{ status: 'fixed' }, '/justification'], [{ status: 'fixed', justification: ' too short   ' }, '/justification'],
    [{ status: 'fixed', justification: WHY, justification_code: 'code_not_present' }, '/justification_code'], [{ status: 'fixed', justification: WHY, expires_at: '2999-01-01T00:00:00Z' }, '/expires_at'],
    [{ status: 'suppressed', justification: WHY, expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
  ] as const) {
    const answer = await patch(teamAdmin.client, { id: subject, version: 7 }, json);
    assert.equal([answer.status, member(answer.body, 'errors', 0, 'pointer')], [422, pointer], JSON.stringify(json));
  }
});
table('the same state again changes nothing, whatever else is sent', async () => {
  await force(subject, 'exploitable');
  const before = (await sql`SELECT * FROM findings WHERE id = ${subject}`.execute(db)).rows;
  assert.is((await patch(developer.client, { id: subject, version: 7 }, { status: 'exploitable', justification: 'x' })).status, 200);
  assert.equal((await sql`SELECT * FROM findings WHERE id = ${subject}`.execute(db)).rows, before);
});
table('an API key needs finding:triage, and suppresses when its issuer may', async () => {
  const key = async (client: ContractClient, action: string) => (await issueKey(client, { scope: 'project', project_id: tableProject, allowed_actions: [action] })).client;
  await force(subject, 'new');
  assert.is((await patch(await key(teamAdmin.client, 'project:read'), { id: subject, version: 7 }, { status: 'analyzing' })).status, 403);
  assert.is((await patch(await key(developer.client, 'finding:triage'), { id: subject, version: 7 }, { status: 'suppressed', justification: WHY })).status, 403);
  assert.is((await patch(await key(teamAdmin.client, 'finding:triage'), { id: subject, version: 7 }, { status: 'suppressed', justification: WHY })).status, 200);
});
table('an archived project takes no triage', async () => {
  const archived = await project('pkg:npm/beta@1.0.0');
  const row = await one(archived);
  await teamAdmin.client.expect(204, 'deleteProject', { path: { id: archived } });
  assert.is(member((await patch(teamAdmin.client, row, { status: 'analyzing' })).body, 'type'), 'https://trustedoss.io/problems/project-archived');
  await teamAdmin.client.refused('project-archived', 'updateProjectVulnerabilityStatuses', { path: { id: archived }, json: { status: 'analyzing', findings: [{ finding_id: row.id }] } });
});

const lasting = suite('decisions over time');
lasting('outlive scans; what was open or called fixed is new when it returns, with its history', async () => {
  const id = await project('pkg:npm/alpha@1.0.0');
  const [a, c] = await rowsOf(id);
  assert.ok(a && c);
  await decide(a, { status: 'not_affected', justification_code: 'code_not_reachable' });
  await decide(c, { status: 'fixed' });
  await scan(id, 'pkg:npm/alpha@1.0.0');
  assert.equal(await states(id), ['alpha@1.0.0 not_affected', 'alpha@1.0.0 fixed']);
  await scan(id, 'pkg:npm/other@1.0.0');
  assert.equal(await states(id), ['alpha@1.0.0 not_affected', 'alpha@1.0.0 fixed']);
  await scan(id, 'pkg:npm/alpha@1.0.0');
  assert.equal(await states(id), ['alpha@1.0.0 not_affected', 'alpha@1.0.0 new']);
  assert.equal(await history(c.id), ['opened scan new', 'triaged manual analyzing', 'triaged manual fixed', 'resolved scan fixed', 'returned scan new']);
  assert.equal(await history(a.id), ['opened scan new', 'triaged manual analyzing', 'triaged manual not_affected']);
});
lasting('rest while no advisory speaks of the version, and hold again when one does', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-rest', name: 'rest' }));
  const id = await project('pkg:npm/rest@1.0.0');
  const row = await one(id);
  await decide(row, { status: 'false_positive' });
  await importFiles(portal.services, osv({ id: 'GHSA-rest', name: 'rest', modified: '2024-02-01T00:00:00Z', fixed: '0.5.0' }));
  assert.equal(await states(id), ['rest@1.0.0 fixed']);
  await importFiles(portal.services, osv({ id: 'GHSA-rest', name: 'rest', modified: '2024-03-01T00:00:00Z' }));
  assert.equal(await states(id), ['rest@1.0.0 false_positive']);
  assert.is(member((await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: row.id } })).body, 'analysis_justification'), WHY);
  assert.equal((await history(row.id)).slice(-2), ['resolved import fixed', 'returned import false_positive']);
});
lasting('somebody who looks at a finding that is gone is not overruled by the next scan', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  await scan(id, 'pkg:npm/other@1.0.0');
  const row = await one(id);
  assert.is((await patch(developer.client, row, { status: 'analyzing' })).status, 200);
  await scan(id, 'pkg:npm/other@1.0.0');
  assert.equal(await states(id), ['beta@1.0.0 analyzing']);
  await scan(id, 'pkg:npm/beta@1.0.0');
  assert.equal(await states(id), ['beta@1.0.0 analyzing']);
});
lasting('a decision on the package is carried to its other versions, now and later, but over no decision on a version', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0');
  const [first, second, third] = await rowsOf(id);
  assert.ok(first && second && third);
  await decide(second, { status: 'exploitable' });
  const { body } = await decide(first, { status: 'not_affected', justification_code: 'code_not_present', applies_to: 'package' });
  assert.is(member(body, 'applies_to'), 'package');
  assert.equal(await states(id), ['beta@1.0.0 not_affected', 'beta@1.1.0 exploitable', 'beta@1.2.0 not_affected']);
  await scan(id, 'pkg:npm/beta@1.3.0');
  const later = await one(id, 'pkg:npm/beta@1.3.0');
  assert.is(later.status, 'not_affected');
  assert.equal(await history(later.id), ['opened scan new', 'carried manual not_affected']);
  const detail = (await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: later.id } })).body;
  assert.equal(['analysis_justification', 'analysis_justification_code', 'analysis_source', 'analyst_user_id', 'applies_to'].map((name) => member(detail, name)), [WHY, 'code_not_present', 'manual', teamAdmin.id, 'package']);
  assert.equal(await states(await project('pkg:npm/beta@1.3.0')), ['beta@1.3.0 new']);
});
lasting('taking a decision on the package back takes all its findings back; for a version, that one only', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0');
  await decide(await one(id), { status: 'false_positive', applies_to: 'package' });
  const single = await one(id, 'pkg:npm/beta@1.1.0');
  assert.is((await patch(developer.client, single, { status: 'analyzing' })).status, 200);
  assert.equal(await states(id), ['beta@1.0.0 false_positive', 'beta@1.1.0 analyzing', 'beta@1.2.0 false_positive']);
  await scan(id, 'pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0', 'pkg:npm/beta@1.4.0');
  assert.equal(await states(id), ['beta@1.0.0 false_positive', 'beta@1.1.0 analyzing', 'beta@1.2.0 false_positive', 'beta@1.4.0 false_positive']);
  await patch(developer.client, await one(id), { status: 'analyzing', applies_to: 'package' });
  assert.equal(await states(id), ['beta@1.0.0 analyzing', 'beta@1.1.0 analyzing', 'beta@1.2.0 analyzing', 'beta@1.4.0 analyzing']);
  await scan(id, 'pkg:npm/beta@1.5.0');
  assert.is((await one(id, 'pkg:npm/beta@1.5.0')).status, 'new');
});
lasting('a decision on a package that was taken back meanwhile does not come back with a finding', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-back', name: 'back', fixed: '1.5.0' }));
  const id = await project('pkg:npm/back@1.0.0', 'pkg:npm/back@1.4.0');
  await decide(await one(id), { status: 'false_positive', applies_to: 'package' });
  await importFiles(portal.services, osv({ id: 'GHSA-back', name: 'back', fixed: '1.2.0', modified: '2024-02-01T00:00:00Z' }));
  assert.equal(await states(id), ['back@1.0.0 false_positive', 'back@1.4.0 fixed']);
  await patch(developer.client, await one(id), { status: 'analyzing', applies_to: 'package' });
  await importFiles(portal.services, osv({ id: 'GHSA-back', name: 'back', fixed: '1.5.0', modified: '2024-03-01T00:00:00Z' }));
  assert.equal(await states(id), ['back@1.0.0 analyzing', 'back@1.4.0 new']);
});
lasting('decisions and history follow vulnerabilities that become one', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-m1', name: 'merge' }), osv({ id: 'PYSEC-m2', name: 'merge' }));
  const id = await project('pkg:npm/merge@1.0.0');
  const pysec = (await rowsOf(id)).find(({ cve }) => cve === 'PYSEC-m2');
  assert.ok(pysec);
  await decide(pysec, { status: 'not_affected', applies_to: 'package' });
  await importFiles(portal.services, osv({ id: 'GO-m3', name: 'elsewhere', aliases: ['GHSA-m1', 'PYSEC-m2', 'CVE-2024-9001'] }));
  assert.equal((await rowsOf(id)).map(({ cve, status }) => `${cve} ${status}`), ['CVE-2024-9001 not_affected']);
  assert.is((await history((await one(id)).id)).filter((event) => event === 'opened scan new').length, 2);
  await scan(id, 'pkg:npm/merge@1.1.0');
  assert.is((await one(id, 'pkg:npm/merge@1.1.0')).status, 'not_affected');
});
lasting('a suppression ends with its time, for the package too; the gate does not wait for that', async () => {
  const id = await newProject(admin, { team_id: teamAdmin.teamId, gate: { severity_threshold: null, max_age_days: { critical: 0, high: 0, medium: 0, low: 0 } } });
  await importFiles(portal.services, osv({ id: 'GHSA-mute', name: 'mute', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }));
  await scan(id, 'pkg:npm/mute@1.0.0', 'pkg:npm/mute@1.1.0');
  await sql`UPDATE findings SET first_detected_at = now() - interval '5 days' WHERE project_id = ${id}`.execute(db);
  const gate = async () => member((await admin.expect(200, 'getProjectGateResult', { path: { id } })).body, 'gate');
  assert.is(await gate(), 'fail');
  const row = await one(id);
  const answer = await patch(teamAdmin.client, row, { status: 'suppressed', justification: WHY, expires_at: '2999-01-01T00:00:00Z', applies_to: 'package' });
  assert.equal([answer.status, member(answer.body, 'expires_at')], [200, '2999-01-01T00:00:00.000Z']);
  assert.is(await gate(), 'pass');
  await expireFindings(portal.services);
  assert.equal(await states(id), ['mute@1.0.0 suppressed', 'mute@1.1.0 suppressed']);
  await sql`UPDATE findings SET suppressed_until = now() - interval '1 second' WHERE project_id = ${id}`.execute(db);
  await sql`UPDATE finding_decisions SET suppressed_until = now() - interval '1 second' WHERE project_id = ${id}`.execute(db);
  assert.is(await gate(), 'fail');
  await expireFindings(portal.services);
  assert.equal(await states(id), ['mute@1.0.0 new', 'mute@1.1.0 new']);
  assert.equal((await sql`SELECT FROM finding_decisions WHERE project_id = ${id}`.execute(db)).rows.length, 0);
  assert.is((await history(row.id)).at(-1), 'expired time new');
  const audited = await sql`SELECT actor_kind, operation FROM audit_log WHERE target_id = ${row.id} ORDER BY id DESC LIMIT 1`.execute(db);
  assert.equal(audited.rows, [{ actor_kind: 'system', operation: 'expire-suppressions' }]);
  assert.is((await patch(teamAdmin.client, { id: row.id, version: Number(member(answer.body, 'version')) }, { status: 'analyzing' })).status, 412);
});

const bulk = suite('updateProjectVulnerabilityStatuses');
const many = (id: string, json: object, client = teamAdmin.client) => client.call('updateProjectVulnerabilityStatuses', { path: { id }, json });
const outcomes = ({ body }: Answer): string[] => {
  const results = member(body, 'results');
  return Array.isArray(results) ? results.filter(isRecord).map((row) => `${String(row['outcome'])} ${String(row['status'])} ${String(row['version'])} ${String(member(row, 'problem', 'status'))}`) : [];
};
bulk('reports each row, in order, and applies what it can', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0', 'pkg:npm/beta@1.2.0', 'pkg:npm/beta@1.3.0');
  const [first, second, third, fourth] = await rowsOf(id);
  assert.ok(first && second && third && fourth);
  const elsewhere = await one(await project('pkg:npm/beta@1.0.0'));
  const answer = await many(id, {
    status: 'analyzing',
    findings: [{ finding_id: fourth.id, status: 'new' }, { finding_id: second.id, version: 1 }, { finding_id: first.id, version: 9 }, { finding_id: elsewhere.id }, { finding_id: third.id, status: 'fixed', justification: WHY }],
  });
  assert.is(answer.status, 200, answer.text);
  assert.equal(outcomes(answer), ['unchanged new 1 undefined', 'applied analyzing 2 undefined', 'refused new 1 412', 'refused null null 404', 'refused new 1 409']);
  assert.equal([member(answer.body, 'applied'), member(answer.body, 'unchanged'), member(answer.body, 'refused')], [1, 1, 3]);
  assert.equal(member(answer.body, 'results', 4, 'problem', 'allowed_to'), ['analyzing', 'suppressed']);
  assert.equal(await states(id), ['beta@1.0.0 new', 'beta@1.1.0 analyzing', 'beta@1.2.0 new', 'beta@1.3.0 new']);
  assert.is((await one((await project('pkg:npm/beta@1.0.0')))).status, 'new');
});
bulk('writes nothing where a row is refused and all or nothing is wanted', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0');
  const [first, second] = await rowsOf(id);
  assert.ok(first && second);
  const refused = await many(id, { mode: 'all_or_nothing', status: 'analyzing', findings: [{ finding_id: first.id }, { finding_id: second.id, version: 2 }] });
  assert.equal(outcomes(refused), ['not_applied new 1 undefined', 'refused new 1 412']);
  assert.equal(await states(id), ['beta@1.0.0 new', 'beta@1.1.0 new']);
  const applied = await many(id, { mode: 'all_or_nothing', status: 'analyzing', findings: [{ finding_id: first.id }, { finding_id: second.id, version: 1 }] });
  assert.equal(outcomes(applied), ['applied analyzing 2 undefined', 'applied analyzing 2 undefined']);
  const { rows } = await sql<{ target_id: string }>`SELECT target_id FROM audit_log WHERE request_id = ${applied.headers.get('X-Request-ID')} ORDER BY target_id`.execute(db);
  assert.equal(rows.map(({ target_id }) => target_id), [first.id, second.id].toSorted());
});
bulk('takes ids as they are written', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const { id: finding } = await one(id);
  assert.equal(outcomes(await many(id, { status: 'analyzing', findings: [{ finding_id: finding.toUpperCase() }] })), ['applied analyzing 2 undefined']);
  assert.is((await patch(teamAdmin.client, { id: finding.toUpperCase(), version: 2 }, { status: 'fixed', justification: WHY })).status, 200);
});
bulk('a developer may do all but suppress', async () => {
  const id = await project('pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.1.0');
  const [first, second] = await rowsOf(id);
  const answer = await many(id, { justification: WHY, findings: [{ finding_id: first?.id, status: 'suppressed' }, { finding_id: second?.id, status: 'analyzing' }] }, developer.client);
  assert.equal(outcomes(answer), ['refused new 1 403', 'applied analyzing 2 undefined']);
});
bulk('refuses a row without a status, a finding twice, and more than 1,000', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const finding = (await one(id)).id;
  const missing = await many(id, { findings: [{ finding_id: finding }] });
  assert.equal([missing.status, member(missing.body, 'errors', 0, 'pointer')], [422, '/findings/0/status']);
  const twice = await many(id, { status: 'analyzing', findings: [{ finding_id: finding }, { finding_id: finding.toUpperCase() }] });
  assert.equal([twice.status, member(twice.body, 'errors', 0, 'pointer')], [422, '/findings/1/finding_id']);
  assert.is((await many(id, { status: 'analyzing', findings: Array.from({ length: 1001 }, () => ({ finding_id: crypto.randomUUID() })) })).status, 422);
  assert.is((await many(id, { status: 'analyzing', findings: [] })).status, 422);
});
bulk('with an Idempotency-Key the same request is applied once', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const request = { path: { id }, headers: { 'Idempotency-Key': 'bulk-1' }, json: { status: 'analyzing', findings: [{ finding_id: (await one(id)).id, version: 1 }] } };
  const first = await teamAdmin.client.expect(200, 'updateProjectVulnerabilityStatuses', request);
  const again = await teamAdmin.client.expect(200, 'updateProjectVulnerabilityStatuses', request);
  assert.equal([again.body, again.headers.get('Idempotency-Replayed'), (await one(id)).version], [first.body, 'true', 2]);
});

const race = suite('triage at the same time');
race('of two with the same If-Match exactly one wins', async () => {
  for (let round = 0; round < 10; round += 1) {
    await force(subject, 'analyzing');
    const answers = await Promise.all((['fixed', 'exploitable'] as const).map((status) => patch(teamAdmin.client, { id: subject, version: 7 }, { status, justification: WHY })));
    assert.equal(answers.map(({ status }) => status).toSorted(), [200, 412]);
    const after = await one(tableProject);
    assert.equal([after.status, after.version], [answers[0]?.status === 200 ? 'fixed' : 'exploitable', 8]);
  }
});
race('overlapping bulks in opposite order both end, and every row was won once', async () => {
  const purls = Array.from({ length: 60 }, (_, index) => `pkg:npm/beta@1.0.${index}`);
  const id = await project(...purls);
  const rows = await rowsOf(id);
  const request = (order: Row[]) => many(id, { status: 'analyzing', findings: order.map((row) => ({ finding_id: row.id, version: row.version })) });
  const answers = await Promise.all([request(rows), request(rows.toReversed()), request(rows.slice(20)), request(rows.slice(0, 40).toReversed())]);
  assert.equal(answers.map(({ status }) => status), [200, 200, 200, 200]);
  assert.is(answers.reduce((sum, { body }) => sum + Number(member(body, 'applied')), 0), 60);
  assert.ok((await rowsOf(id)).every((row) => row.status === 'analyzing' && row.version === 2));
});
race('imports, scans and triage of the same findings lose no decision and end', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy' }));
  const purls = Array.from({ length: 30 }, (_, index) => `pkg:npm/busy@1.0.${index}`);
  const id = await project(...purls);
  const rows = await rowsOf(id);
  const work = [
    many(id, { status: 'analyzing', findings: rows.toReversed().map((row) => ({ finding_id: row.id })) }),
    importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy', modified: '2024-02-01T00:00:00Z', fixed: '5.0.0' })),
    scan(id, ...purls),
    ...rows.slice(0, 5).map((row) => patch(teamAdmin.client, row, { status: 'suppressed', justification: WHY })),
    importFiles(portal.services, osv({ id: 'GHSA-busy', name: 'busy', modified: '2024-03-01T00:00:00Z', fixed: '6.0.0', cvss: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' })),
  ];
  await Promise.all(work);
  const after = await rowsOf(id);
  assert.ok(after.every(({ status }) => status === 'analyzing' || status === 'suppressed'), after.map(({ status }) => status).join());
  const events = await sql<{ wrong: number }>`
    SELECT count(*)::int AS wrong FROM findings f WHERE f.project_id = ${id}
      AND f.status IS DISTINCT FROM (SELECT e.to_status FROM finding_events e WHERE e.finding_id = f.id ORDER BY e.id DESC LIMIT 1)`.execute(db);
  assert.is(events.rows[0]?.wrong, 0);
});
/** Decides on the package within a transaction that goes on, with `later`, and ends only when `other` waits for it. */
async function whileDeciding(projectId: string, row: Row, other: () => Promise<unknown>, later: readonly Row[] = []): Promise<void> {
  const context = { ...portal.services, actor: SYSTEM, request: { id: 'race', operation: 'updateVulnerabilityFindingStatus', ip: null, userAgent: null, gone: new AbortController().signal } };
  const decide = ({ id: findingId }: Row) => ({ findingId, expectedVersion: null, status: 'false_positive', justification: WHY, justificationCode: null, expiresAt: null, appliesTo: 'package', origin: null }) as const;
  const options = { projectId, source: 'vex_import', maySuppress: true, allOrNothing: true } as const;
  let running: Promise<unknown> = Promise.resolve();
  await db.transaction().execute(async (tx) => {
    const [outcome] = await applyDecisions(tx, context, options, [decide(row)]);
    assert.is(outcome?.outcome, 'applied');
    running = other();
    const deadline = Date.now() + 10_000;
    for (let waiting = 0; waiting === 0; ) {
      waiting = (await sql`SELECT FROM pg_locks WHERE NOT granted`.execute(db)).rows.length;
      assert.ok(Date.now() < deadline, 'it does not wait');
    }
    for (const next of later) assert.is((await applyDecisions(tx, context, options, [decide(next)]))[0]?.outcome, 'applied');
  });
  await running;
}
race('a scan that brings another version of a package waits for a decision on it, and follows', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  await whileDeciding(id, await one(id), () => scan(id, 'pkg:npm/beta@1.0.0', 'pkg:npm/beta@1.9.0'));
  assert.equal(await states(id), ['beta@1.0.0 false_positive', 'beta@1.9.0 false_positive']);
});
race('so does an import that makes another version of it a finding', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-grow', name: 'grow', fixed: '1.5.0' }));
  const id = await project('pkg:npm/grow@1.0.0', 'pkg:npm/grow@2.0.0');
  await whileDeciding(id, await one(id), () => importFiles(portal.services, osv({ id: 'GHSA-grow', name: 'grow', fixed: '3.0.0', modified: '2024-02-01T00:00:00Z' })));
  assert.equal(await states(id), ['grow@1.0.0 false_positive', 'grow@2.0.0 false_positive']);
});
race('an import that waits for a triage holds nothing that the triage still needs', async () => {
  await importFiles(portal.services, osv({ id: 'GHSA-w1', name: 'wait' }), osv({ id: 'GHSA-w2', name: 'wait' }), osv({ id: 'GHSA-w3', name: 'wait' }));
  const id = await project('pkg:npm/wait@1.0.0', 'pkg:npm/wait@1.1.0');
  const [first, ...others] = await rowsOf(id);
  assert.ok(first);
  // the vulnerabilities of the others become one, and the third is no longer affected
  const records = [osv({ id: 'GO-w4', name: 'elsewhere', aliases: ['GHSA-w2', 'GHSA-w3'] }), osv({ id: 'GHSA-w1', name: 'wait', fixed: '0.1.0', modified: '2024-02-01T00:00:00Z' })];
  await whileDeciding(id, first, async () => assert.is((await importFiles(portal.services, ...records)).tries, 1), others.filter(({ purl }) => purl === first.purl).toReversed());
  assert.equal((await rowsOf(id)).map(({ cve, status }) => `${cve} ${status}`), ['GHSA-w1 fixed', 'GHSA-w2 false_positive', 'GHSA-w1 fixed', 'GHSA-w2 false_positive']);
});
race('a suppression that ends while somebody triages: one of them sees the other', async () => {
  const id = await project('pkg:npm/beta@1.0.0');
  const row = await one(id);
  for (let round = 0; round < 10; round += 1) {
    await sql`UPDATE findings SET status = 'suppressed', suppressed_until = now() - interval '1 second', version = 7 WHERE id = ${row.id}`.execute(db);
    const [, answer] = await Promise.all([expireFindings(portal.services), patch(teamAdmin.client, { id: row.id, version: 7 }, { status: 'analyzing' })]);
    const after = await one(id);
    assert.equal([after.status, after.version], answer.status === 200 ? ['analyzing', 8] : ['new', 8]);
    assert.ok(answer.status === 200 || answer.status === 412, answer.text);
  }
});

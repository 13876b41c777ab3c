/** Triage of one finding: every step by every role with every If-Match, and decisions that outlive scans. Many findings, and many who triage: triage-at-once.test.ts. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { expireFindings } from '../../src/domain/findings/expire.ts';
import type { FindingStatus } from '../../src/domain/findings/states.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { issueKey } from '../support/api-keys.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { startTriage, WHY } from '../support/triage.ts';

const { portal, admin, db, teamAdmin, developer, scan, project, rowsOf, one, states, patch, decide, force, history } = await startTriage();

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

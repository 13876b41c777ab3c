/** VEX out: what documents say in both formats, of which scan, and when they change. In: vex-import.test.ts. */
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { newProject, queuedScan } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { purl, SCORE, startVex, WHY } from '../support/vex.ts';

const { admin, database, teamAdmin, everyState, scan, project, rowsOf, vexOf } = await startVex();

const out = suite('getProjectVex');
out('says each state in the words of OpenVEX, with what the format demands of each', async () => {
  const answer = await vexOf(everyState, 'openvex');
  assert.is(answer.headers.get('Content-Type'), 'application/json');
  assert.match(answer.headers.get('Content-Disposition') ?? '', /^attachment; filename="[a-z0-9-]+\.openvex\.json"$/);
  const { body } = answer;
  assert.equal(['@context', 'version'].map((name) => member(body, name)), ['https://openvex.dev/ns/v0.2.0', 12]);
  for (const name of ['@id', 'author', 'timestamp', 'last_updated']) assert.type(member(body, name), 'string');
  const statements = member(body, 'statements');
  assert.ok(Array.isArray(statements));
  const found = statements.filter(isRecord).map((one) => [member(one, 'vulnerability', 'name'), member(one, 'products', 0, 'identifiers', 'purl'), one['status'], one['justification']]);
  assert.equal(found, [
    ['CVE-2024-3001', purl('p1'), 'under_investigation', undefined], ['CVE-2024-3002', purl('p2'), 'under_investigation', undefined], ['CVE-2024-3003', purl('p3'), 'affected', undefined],
    ['CVE-2024-3004', purl('p4'), 'not_affected', 'inline_mitigations_already_exist'], ['CVE-2024-3005', purl('p5'), 'not_affected', undefined],
    ['CVE-2024-3006', purl('p6'), 'not_affected', undefined], ['CVE-2024-3007', purl('p7'), 'fixed', undefined], ['GHSA-other', purl('p1'), 'under_investigation', undefined],
  ]);
  for (const one of statements.filter(isRecord)) {
    if (one['status'] === 'not_affected') assert.ok(one['justification'] !== undefined || one['impact_statement'] === WHY);
    if (one['status'] === 'affected') assert.is(one['action_statement'], WHY);
    if (one['status'] === 'fixed') assert.is(one['status_notes'], WHY);
    assert.type(one['timestamp'], 'string');
  }
});
out('says it in the words of CycloneDX, each ref being a component of the document', async () => {
  const answer = await vexOf(everyState, 'cyclonedx');
  assert.is(answer.headers.get('Content-Type'), 'application/vnd.cyclonedx+json');
  const body: unknown = JSON.parse(answer.text);
  const [components, vulnerabilities] = [member(body, 'components'), member(body, 'vulnerabilities')];
  assert.ok(Array.isArray(components) && Array.isArray(vulnerabilities));
  const refs = new Set(components.map((one) => member(one, 'bom-ref')));
  assert.is(refs.size, 7);
  assert.ok(vulnerabilities.every((one) => refs.has(member(one, 'affects', 0, 'ref'))));
  assert.equal(vulnerabilities.map((one) => member(one, 'analysis', 'state')), ['in_triage', 'in_triage', 'exploitable', 'not_affected', 'false_positive', 'not_affected', 'resolved', 'in_triage']);
  assert.equal(['id', 'cwes', 'published'].map((name) => member(vulnerabilities[3], name)), ['CVE-2024-3004', [79], undefined]);
  assert.equal(member(vulnerabilities[3], 'analysis', 'justification'), 'protected_by_compiler');
  assert.equal(member(vulnerabilities[3], 'ratings', 0), { score: 9.8, severity: 'critical', method: 'CVSSv31', vector: SCORE });
});
out('gives the same bytes under the same tag, others after a decision, and 304', async () => {
  const id = await project(purl('p1'), purl('p2'));
  for (const format of ['openvex', 'cyclonedx']) {
    const first = await vexOf(id, format);
    assert.is((await vexOf(id, format)).text, first.text);
    const tag = first.headers.get('ETag') ?? '';
    await admin.expect(304, 'getProjectVex', { path: { id }, query: { format }, headers: { 'If-None-Match': tag } });
    const [row] = await rowsOf(id);
    await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: row?.id ?? '' }, headers: { 'If-Match': String(row?.version) }, json: { status: row?.status === 'new' ? 'analyzing' : 'exploitable', justification: WHY } });
    const later = await admin.expect(200, 'getProjectVex', { path: { id }, query: { format }, headers: { 'If-None-Match': tag } });
    assert.is.not(later.text, first.text);
    assert.ok(Number(member(JSON.parse(later.text), 'version')) > Number(member(JSON.parse(first.text), 'version')));
  }
});
out('is empty and whole without a scan, of a named scan where one is named, and refused of one without results', async () => {
  const id = await newProject(admin, { team_id: teamAdmin.teamId });
  assert.equal(member((await vexOf(id, 'openvex')).body, 'statements'), []);
  assert.equal(member(JSON.parse((await vexOf(id, 'cyclonedx')).text), 'vulnerabilities'), []);
  const { id: former } = await scan(id, purl('p1'));
  await scan(id, purl('p2'));
  const products = async (query: Record<string, string>) => JSON.stringify(member((await vexOf(id, 'openvex', query)).body, 'statements'));
  assert.match(await products({ scan_id: former }), purl('p1'));
  assert.match(await products({}), purl('p2'));
  assert.not.match(await products({}), purl('p1'));
  await admin.refused('scan-not-finished', 'getProjectVex', { path: { id }, query: { scan_id: await queuedScan(database, id) } });
  await admin.refused('not-found', 'getProjectVex', { path: { id }, query: { scan_id: crypto.randomUUID() } });
});

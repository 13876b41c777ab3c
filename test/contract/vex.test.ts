/** VEX out and in: what documents say, round trips in both formats, which statement counts, and what is refused. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import type { FindingStatus } from '../../src/domain/findings/states.ts';
import { importFiles, osv } from '../support/advisories.ts';
import { member, type Answer } from '../support/contract.ts';
import { cycloneDx, fileForm, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, newUser, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal();
const { db } = database;
const SCORE = 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H';
const PACKAGES = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'] as const;
await importFiles(portal.services, ...PACKAGES.map((name, index) => osv({ id: `GHSA-${name}`, aliases: [`CVE-2024-${3001 + index}`], name, cvss: SCORE, cwes: ['CWE-79'] })), osv({ id: 'GHSA-other', name: 'p1' }));
const teamAdmin = await newUser(anonymous, database, 'team_admin');

const purl = (name: string, version = '1.0.0'): string => `pkg:npm/${name}@${version}`;
const scan = async (id: string, ...purls: string[]) => scanToEnd(admin, id, sbomForm(cycloneDx(purls.map((one) => ({ purl: one })))));
const project = async (...purls: string[]): Promise<string> => {
  const id = await newProject(admin, { team_id: teamAdmin.teamId });
  await scan(id, ...purls);
  return id;
};
interface Row { id: string; purl: string; cve: string; status: FindingStatus; justification: string | null; code: string | null; until: string | null; scope: string | null; version: number }
const rowsOf = async (id: string): Promise<Row[]> => (await sql<Row>`
  SELECT f.id, c.purl, v.external_id AS cve, f.status, f.justification, f.justification_code AS code, f.suppressed_until AS until, f.decision_scope AS scope, f.version
  FROM findings f JOIN components c ON c.id = f.component_id JOIN vulnerabilities v ON v.id = f.vulnerability_id WHERE f.project_id = ${id} ORDER BY c.purl, v.external_id`.execute(db)).rows;
const judgements = async (id: string) => (await rowsOf(id)).map(({ purl: of, cve, status, justification, code, until, scope }) => ({ of, cve, status, justification, code, until, scope }));
const states = async (id: string): Promise<string[]> => (await rowsOf(id)).map(({ purl: of, status }) => `${of.slice(8)} ${status}`);
const vexOf = (id: string, format: string, query: Record<string, string> = {}): Promise<Answer> => admin.expect(200, 'getProjectVex', { path: { id }, query: { format, ...query } });
const upload = (id: string, content: string | Uint8Array<ArrayBuffer> | object) =>
  ({ path: { id }, form: fileForm('upload', typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content), 'vex.json') });
const importInto = async (id: string, content: string | object) => (await teamAdmin.client.expect(200, 'importProjectVex', upload(id, content))).body;
const outcomes = (body: unknown): string[] => {
  const [statements, errors] = [member(body, 'statements'), member(body, 'errors')];
  assert.ok(Array.isArray(statements) && Array.isArray(errors));
  const reasons = errors.filter(isRecord).map(({ reason }) => String(reason));
  return statements.filter(isRecord).map(({ outcome }) => (outcome === 'skipped' || outcome === 'unmatched' ? `${outcome}: ${reasons.shift()}` : String(outcome)));
};
const openVex = (...statements: object[]) => ({ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': 'urn:x', author: 'Ada', timestamp: '2024-05-01T00:00:00Z', version: 1, statements });
const says = (vulnerability: string, product: string, status: string, rest: object = {}) => ({ vulnerability: { name: vulnerability }, products: [{ '@id': product }], status, ...rest });

/** A project with a finding in each state, one of them decided for its package. */
const everyState = await project(...PACKAGES.map((name) => purl(name)));
const UNTIL = '2199-01-01T00:00:00.000Z';
const WHY = 'The vulnerable function is "never" called.\nNor is it \\ loaded.';
const decided: Record<string, object> = {
  p2: {}, p3: { status: 'exploitable' }, p4: { status: 'not_affected', justification_code: 'protected_by_compiler', applies_to: 'package' }, p5: { status: 'false_positive' },
  p6: { status: 'suppressed', expires_at: UNTIL }, p7: { status: 'fixed' },
};
for (const row of await rowsOf(everyState)) {
  const decision = decided[row.purl.slice(8, 10)];
  if (decision === undefined) continue;
  const path = { finding_id: row.id };
  await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path, headers: { 'If-Match': '1' }, json: { status: 'analyzing' } });
  if (Object.keys(decision).length > 0) await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path, headers: { 'If-Match': '2' }, json: { justification: WHY, ...decision } });
}

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

const into = suite('importProjectVex');
for (const format of ['openvex', 'cyclonedx']) {
  into(`a document of the portal's loses nothing on the way as ${format}, and changes nothing the second time`, async () => {
    const { text } = await vexOf(everyState, format);
    const other = await project(...PACKAGES.map((name) => purl(name)));
    const body = await importInto(other, text);
    assert.equal([...outcomes(body)].sort(), [...Array.from({ length: 6 }, () => 'applied'), 'unchanged', 'unchanged']);
    assert.equal(['format', 'matched', 'applied', 'unchanged', 'skipped'].map((name) => member(body, name)), [format, 8, 6, 2, 0]);
    assert.equal(await judgements(other), await judgements(everyState));
    const again = (await vexOf(other, format)).text;
    const content = (one: string): unknown => member(JSON.parse(one), format === 'openvex' ? 'statements' : 'vulnerabilities');
    const stripped = (one: string): string => JSON.stringify(content(one)).replaceAll(/"bom-ref":"[^"]+",/g, '').replaceAll(/"(?:timestamp|lastUpdated)":"[^"]+"/g, '');
    assert.is(stripped(again), stripped(text));
    const versions = (await rowsOf(other)).map(({ version }) => version);
    assert.equal(new Set(outcomes(await importInto(other, text))), new Set(['unchanged']));
    assert.equal((await rowsOf(other)).map(({ version }) => version), versions);
    assert.equal(new Set(outcomes(await importInto(everyState, text))), new Set(['unchanged']));
  });
}
into('keeps where a state came from, in the finding and its history', async () => {
  const id = await project(purl('p3'));
  await importInto(id, openVex(says('GHSA-p3', purl('p3'), 'not_affected', { justification: 'component_not_present', timestamp: '2024-04-01T00:00:00Z' })));
  const [row] = await rowsOf(id);
  assert.equal([row?.status, row?.code, row?.version], ['not_affected', 'code_not_present', 2]);
  const { body } = await admin.expect(200, 'getVulnerabilityFinding', { path: { finding_id: row?.id ?? '' } });
  const origin = member(body, 'vex_origin');
  assert.ok(isRecord(origin));
  const { imported_at: imported, ...rest } = origin;
  assert.type(imported, 'string');
  assert.equal(rest, { id: 'urn:x', author: 'Ada', timestamp: '2024-04-01T00:00:00.000Z', vex_status: 'not_affected', format: 'openvex' });
  assert.equal([0, 1].map((index) => member(body, 'status_history', index, 'new_status')), ['not_affected', 'analyzing']);
  assert.is(member(body, 'status_history', 0, 'source'), 'vex_import');
});
into('the later judgement holds, by hand or by statement', async () => {
  const id = await project(purl('p3'));
  const statement = (status: string, timestamp: string) => openVex(says('CVE-2024-3003', purl('p3'), status, { timestamp, justification: 'vulnerable_code_not_present' }));
  assert.equal(outcomes(await importInto(id, statement('affected', '2024-04-01T00:00:00Z'))), ['applied']);
  assert.equal(outcomes(await importInto(id, statement('fixed', '2024-03-01T00:00:00Z'))), ['skipped: older_statement']);
  assert.equal(outcomes(await importInto(id, statement('fixed', '2024-04-01T00:00:00+00:00'))), ['applied']);
  assert.equal(outcomes(await importInto(id, statement('not_affected', '9999-01-01T00:00:00Z'))), ['applied'], 'a clock that runs ahead');
  const [row] = await rowsOf(id);
  await teamAdmin.client.expect(200, 'updateVulnerabilityFindingStatus', { path: { finding_id: row?.id ?? '' }, headers: { 'If-Match': String(row?.version) }, json: { status: 'analyzing' } });
  assert.equal(outcomes(await importInto(id, statement('fixed', '2024-05-01T00:00:00Z'))), ['skipped: older_statement'], 'than the decision by hand');
  assert.equal(outcomes(await importInto(id, statement('fixed', '9999-01-01T00:00:00Z'))), ['applied'], 'later than the one that ran ahead');
  const text = (await vexOf(await project(purl('p3')), 'openvex')).text;
  assert.equal(outcomes(await importInto(id, text)), ['skipped: not_assessed'], 'nobody looked elsewhere: that takes no decision back');
  assert.equal(await states(id), ['p3@1.0.0 fixed']);
});
into('of several statements on one finding the newest counts, of equally new ones the last', async () => {
  const id = await project(purl('p3'));
  const at = (timestamp: string, status: string) => says('CVE-2024-3003', purl('p3'), status, { timestamp, justification: 'vulnerable_code_not_present' });
  const body = await importInto(id, openVex(at('2024-04-01T00:00:00Z', 'affected'), at('2024-04-03T00:00:00Z', 'not_affected'), at('2024-04-03T00:00:00Z', 'fixed'), at('2024-04-02T00:00:00Z', 'under_investigation')));
  assert.equal(outcomes(body), ['skipped: superseded', 'skipped: superseded', 'applied', 'skipped: superseded']);
  assert.equal(await states(id), ['p3@1.0.0 fixed']);
});
into('a product without a version means the package, in later scans too', async () => {
  const id = await project(purl('p3'), purl('p3', '1.1.0'));
  const body = await importInto(id, openVex(says('CVE-2024-3003', 'pkg:npm/p3', 'not_affected', { justification: 'vulnerable_code_not_present' })));
  assert.equal([outcomes(body), member(body, 'matched')], [['applied', 'applied'], 2]);
  await scan(id, purl('p3', '1.2.0'));
  assert.equal((await judgements(id)).map(({ of, status, scope }) => [of, status, scope]), ['1.0.0', '1.1.0', '1.2.0'].map((version) => [purl('p3', version), 'not_affected', 'package']));
});
into('finds its findings by alias, by purl in another spelling, by subcomponents; and says why it finds none', async () => {
  const id = await project('pkg:npm/p1@1.0.0?arch=amd64', purl('p2'), purl('p3'), purl('p4'));
  const body = await importInto(id, openVex(
    says('https://nvd.nist.gov/vuln/detail/CVE-2024-3001', 'pkg:NPM/p1@1.0.0', 'affected'), says('X-1', 'pkg:npm/p1@1.0.0?arch=arm64', 'fixed'), says('CVE-2024-3001', 'pkg:npm/p1@1.0.0?arch=arm64', 'fixed'),
    { vulnerability: { name: 'X-2', aliases: ['GHSA-p2'] }, products: ['pkg:oci/image@sha256:1', { '@id': 'pkg:oci/image', subcomponents: [{ '@id': purl('p2') }] }], status: 'fixed' },
    { vulnerability: 'CVE-2024-3003', products: [purl('p3')], status: 'fixed' }, says('CVE-2024-3003', purl('p4'), 'fixed'), says('CVE-2024-3004', purl('p4', '9.0.0'), 'fixed'), says('CVE-2024-3004', 'our product', 'fixed'),
  ));
  assert.equal(outcomes(body), [
    'applied', 'unmatched: unknown_component', 'unmatched: unknown_component', 'unmatched: unknown_component', 'applied', 'applied', 'unmatched: unknown_vulnerability', 'unmatched: unknown_component', 'unmatched: unknown_component',
  ]);
  assert.equal(await states(id), ['p1@1.0.0?arch=amd64 exploitable', 'p1@1.0.0?arch=amd64 new', 'p2@1.0.0 fixed', 'p3@1.0.0 fixed', 'p4@1.0.0 new']);
});
into('takes CycloneDX refs that are components, package URLs or links into another document, and no ranges', async () => {
  const id = await project(purl('p1'), purl('p2'), purl('p3'), purl('p4'));
  const entry = (name: string, state: string, ref: string, versions?: object[]) => ({ id: name, analysis: { state, justification: 'code_not_reachable', detail: 'd' }, affects: [{ ref, ...(versions === undefined ? {} : { versions }) }] });
  const body = await importInto(id, {
    bomFormat: 'CycloneDX', specVersion: '1.4', version: 1, components: [{ type: 'library', name: 'x', 'bom-ref': 'ref-1', purl: purl('p1') }],
    vulnerabilities: [
      entry('CVE-2024-3001', 'not_affected', 'ref-1'), entry('CVE-2024-3002', 'resolved_with_pedigree', `urn:cdx:411dafd2-c29f-491a-97d7-e97de5bc2289/1#${encodeURIComponent(purl('p2'))}`),
      entry('CVE-2024-3003', 'exploitable', 'pkg:npm/p3', [{ version: '1.0.0', status: 'affected' }]), entry('CVE-2024-3004', 'resolved', 'pkg:npm/p4', [{ range: 'vers:npm/<2.0.0' }]),
      entry('CVE-2024-3004', 'resolved', 'ref-unknown'), { id: 'CVE-2024-3004', analysis: { state: 'resolved' } }, { id: 'CVE-2024-3004', affects: [{ ref: purl('p4') }] }, 7,
    ],
  });
  assert.equal(outcomes(body), [
    'applied', 'applied', 'applied', 'unmatched: ambiguous_match', 'unmatched: unknown_component', 'unmatched: malformed_statement', 'unmatched: unmapped_status', 'unmatched: malformed_statement',
  ]);
  assert.equal(await states(id), ['p1@1.0.0 not_affected', 'p1@1.0.0 new', 'p2@1.0.0 fixed', 'p3@1.0.0 exploitable', 'p4@1.0.0 new']);
});
into("a statement on the document's own product means the project of that name, and no other", async () => {
  const id = await newProject(admin, { team_id: teamAdmin.teamId, name: 'Acme Product' });
  await scan(id, purl('p3'), purl('p3', '1.1.0'), purl('p4'));
  const vex = (name: string, ...names: string[]) => ({
    bomFormat: 'CycloneDX', specVersion: '1.4', version: 1, metadata: { timestamp: '2022-01-13T00:00:00Z', component: { type: 'application', name, version: '2.4.0', 'bom-ref': 'acme-product' } },
    vulnerabilities: names.map((one) => ({ id: one, analysis: { state: 'not_affected', justification: 'code_not_reachable' }, affects: [{ ref: 'urn:cdx:2c385cf7-e1ee-46e9-a51c-13de1ecb380a/1#acme-product' }, { ref: 'acme-product' }] })),
  });
  assert.equal(outcomes(await importInto(id, vex('Another Product', 'CVE-2024-3003'))), ['unmatched: unknown_component', 'unmatched: unknown_component']);
  assert.equal(outcomes(await importInto(id, vex('acme product', 'CVE-2024-3003', 'CVE-2020-25649'))), ['skipped: superseded', 'skipped: superseded', 'applied', 'applied', 'unmatched: unknown_vulnerability', 'unmatched: unknown_vulnerability']);
  assert.equal(await states(id), ['p3@1.0.0 not_affected', 'p3@1.1.0 not_affected', 'p4@1.0.0 new']);
});
into('one statement that does not fit does not stop the others, nor does a text that PostgreSQL would refuse', async () => {
  const id = await project(purl('p3'), purl('p4'));
  const wrong = [
    7, null, {}, { vulnerability: { name: 'CVE-2024-3004' }, status: 'fixed' }, { products: [purl('p4')], status: 'fixed' }, says('CVE-2024-3004', purl('p4'), 'solved'), { vulnerability: 3, products: 'x', status: [] },
    says('CVE-2024-3004', purl('p4'), 'not_affected', { status_notes: 'sca-portal:judgement: status=suppressed;expires_at=2020-01-01T00:00:00Z' }),
  ];
  const body = await importInto(id, JSON.stringify({ ...openVex(), author: 'a\ud800\u0000b', statements: [...wrong, says('CVE-2024-3003', purl('p3'), 'affected', { action_statement: `x\u0000\udc00${'y'.repeat(5000)}`, timestamp: '-271821-04-20T00:00:00.000Z' })] }));
  const said = outcomes(body);
  const malformed = 'unmatched: malformed_statement';
  assert.equal(said.slice(0, -1), [malformed, malformed, malformed, malformed, malformed, 'unmatched: unmapped_status', malformed, 'skipped: malformed_statement']);
  assert.is(said.at(-1), 'applied');
  assert.equal(await states(id), ['p3@1.0.0 exploitable', 'p4@1.0.0 new']);
  assert.is((await rowsOf(id))[0]?.justification?.length, 4000);
});
into('refuses what is no VEX document, and changes nothing', async () => {
  const id = await project(purl('p3'));
  const utf16 = new Uint8Array(Buffer.from(JSON.stringify(openVex(says('CVE-2024-3003', purl('p3'), 'affected'))), 'utf16le'));
  for (const content of ['', '[]', '7', '{', '{}', '<bom/>', new Uint8Array([0x7b, 0xff, 0x7d]), utf16, '{"@context":"https://openvex.dev/ns/v0.2.0"}', '{"bomFormat":"CycloneDX","vulnerabilities":{}}', '{"document":{"category":"csaf_vex"}}']) {
    await teamAdmin.client.refused('malformed-vex', 'importProjectVex', upload(id, content));
  }
  await teamAdmin.client.refused('malformed-vex', 'importProjectVex', upload(id, openVex(...Array.from({ length: 101 }, () => says('X', purl('x'), 'fixed', { products: Array.from({ length: 1000 }, () => purl('x')) })))));
  await teamAdmin.client.refused('unsupported-media-type', 'importProjectVex', { path: { id }, json: openVex() });
  await teamAdmin.client.refused('validation-failed', 'importProjectVex', { path: { id }, form: fileForm('vex', '{}', 'vex.json') });
  await teamAdmin.client.refused('validation-failed', 'importProjectVex', { path: { id }, form: new FormData() });
  const twice = fileForm('upload', '{}', 'a.json');
  twice.append('upload', new Blob(['{}']), 'b.json');
  await teamAdmin.client.refused('validation-failed', 'importProjectVex', { path: { id }, form: twice });
  await teamAdmin.client.refused('payload-too-large', 'importProjectVex', upload(id, ' '.repeat(64 * 1024 * 1024 + 1)));
  assert.equal((await rowsOf(id)).map(({ status, version }) => [status, version]), [['new', 1]]);
});
into('a document about another product changes nothing, and a project without a scan or in the archive is left alone', async () => {
  const { text } = await vexOf(everyState, 'openvex');
  const id = await project(purl('unrelated'));
  assert.equal(new Set(outcomes(await importInto(id, text))), new Set(['unmatched: unknown_component']));
  assert.equal(new Set(outcomes(await importInto(await newProject(admin, { team_id: teamAdmin.teamId }), text))), new Set(['unmatched: unknown_component']));
  const gone = await project(purl('p1'));
  await admin.expect(204, 'deleteProject', { path: { id: gone } });
  await admin.refused('project-archived', 'importProjectVex', upload(gone, text));
  await teamAdmin.client.refused('not-found', 'importProjectVex', upload(crypto.randomUUID(), text));
});
into('two imports at once are as one after the other, beside triage by hand', async () => {
  const id = await project(purl('p3'), purl('p3', '1.1.0'), purl('p4'));
  const documents = ['affected', 'fixed', 'under_investigation'].map((status) => openVex(says('CVE-2024-3003', 'pkg:npm/p3', status), says('CVE-2024-3004', purl('p4'), status)));
  const manual = (await rowsOf(id)).map(({ id: finding_id }) => teamAdmin.client.call('updateVulnerabilityFindingStatus', { path: { finding_id }, headers: { 'If-Match': '1' }, json: { status: 'analyzing' } }));
  await Promise.all([...documents, ...documents].map((one) => importInto(id, one)).concat(manual));
  const { rows } = await sql<{ wrong: number }>`
    SELECT count(*)::int AS wrong FROM findings f WHERE f.project_id = ${id}
      AND f.status IS DISTINCT FROM (SELECT e.to_status FROM finding_events e WHERE e.finding_id = f.id ORDER BY e.id DESC LIMIT 1)`.execute(db);
  assert.is(rows[0]?.wrong, 0);
  const [first, second] = await rowsOf(id);
  assert.is(first?.status, second?.status);
});

/** VEX in: round trips in both formats, which statement counts, what it is about, and what is refused. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { fileForm } from '../support/fixtures.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';
import { PACKAGES, purl, startVex } from '../support/vex.ts';

const { admin, db, teamAdmin, everyState, scan, project, rowsOf, states, vexOf } = await startVex();

const judgements = async (id: string) => (await rowsOf(id)).map(({ purl: of, cve, status, justification, code, until, scope }) => ({ of, cve, status, justification, code, until, scope }));
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

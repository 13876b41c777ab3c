/** Bad input: a clear problem each time, nothing lost, and the server goes on. */
import * as assert from 'uvu/assert';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { member, read } from '../support/contract.ts';
import { cycloneDx, fileForm, sbomForm, SMALL_SBOM, tarGz } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal({ MAX_UPLOAD_BYTES: String(60 * 1024 * 1024), TRIVY_PATH: '/nonexistent/trivy' });
const project = await newProject(admin);
const archived = await newProject(admin);
const scan = { path: { id: project } };
const send = async (method: string, path: string, { headers = {}, ...init }: { headers?: Record<string, string>; body?: ReadableStream; duplex?: 'half' } = {}) =>
  read(await fetch(portal.url + path, { method, ...init, headers: { Authorization: `Bearer ${admin.token ?? ''}`, ...headers } }));

const bodies = suite('bodies');
bodies('broken JSON is 400, and says where', async () => {
  const problem = await admin.refused('invalid-request', 'createProject', { raw: '{"name": ' });
  assert.match(String(problem['detail']), /JSON/);
});
bodies('text that is not UTF-8, NUL characters and half characters are 400', async () => {
  await admin.refused('invalid-request', 'createProject', { raw: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) });
  for (const escape of ['\\u0000', '\\ud800', '\\uDC00', '\\ud83d']) await admin.refused('invalid-request', 'createProject', { raw: `{"name":"a${escape}b"}` });
  await admin.refused('validation-failed', 'createScan', { ...scan, form: sbomForm(SMALL_SBOM, { metadata: '{"a":"\\ud800"}' }) });
  await admin.expect(201, 'createProject', { raw: '{"name":"\\ud83d\\ude00 and \\\\ud800 and \\\\u0000"}' });
});
bodies('a JSON body of 10 MiB is 413, with and without Content-Length', async () => {
  const large = JSON.stringify({ name: 'x'.repeat(10 * 1024 * 1024) });
  const problem = await admin.refused('payload-too-large', 'createProject', { raw: large });
  assert.is(problem['limit_bytes'], 1024 * 1024);
  const stream = new ReadableStream({ start: (controller) => { controller.enqueue(new TextEncoder().encode(large)); controller.close(); } });
  const { status } = await send('POST', '/v1/projects', { body: stream, duplex: 'half', headers: { 'Content-Type': 'application/json' } });
  assert.is(status, 413);
});
bodies('a wrong or missing content type is 415, a missing body 422', async () => {
  await admin.refused('unsupported-media-type', 'createProject', { raw: '<a/>', contentType: 'application/xml' });
  await admin.refused('unsupported-media-type', 'createProject', { raw: 'a=1', contentType: 'application/x-www-form-urlencoded' });
  await admin.refused('validation-failed', 'createProject');
});
bodies('a fault says what would be right', async () => {
  const detail = async (problem: Promise<Record<string, unknown>>): Promise<string> => String((await problem)['detail']);
  assert.match(await detail(admin.refused('validation-failed', 'createProject', { json: { name: 'x', git_ur: 'y' } })), /^\/git_ur is not known here; known: name, .*git_url/);
  assert.match(await detail(admin.refused('validation-failed', 'createProject', { json: { name: 'x', gate: { kevs: 'fail' } } })), /^\/gate\/kevs is not known here; known: .*kev/);
  assert.match(await detail(admin.refused('validation-failed', 'createScan', { ...scan, form: sbomForm(SMALL_SBOM, { branch: 'main' }) })), /^\/branch is not known here; known: .*ref/);
  assert.match(await detail(admin.refused('invalid-request', 'listProjects', { query: { name: 'x' } })), /'name' is not known here; known: .*q/);
  assert.match(await detail(admin.refused('invalid-request', 'getProjectReport', { path: { id: project }, query: { format: 'pdf' } })), /known: .*scan_id/);
  assert.match(await detail(admin.refused('invalid-request', 'getProject', { path: { id: 'my-project' } })), /'id' must be a UUID/);
  assert.match(await detail(anonymous.refused('validation-failed', 'registerUser', { json: { email: 'a@example.com', password: 'short' } })), /^\/password must have at least 12 characters/);
  await admin.expect(204, 'deleteProject', { path: { id: archived } });
  assert.match(await detail(admin.refused('project-archived', 'createScan', { path: { id: archived }, form: sbomForm(SMALL_SBOM) })), /make a new one with POST \/v1\/projects/);
});
bodies('a broken form is 400', async () => {
  await admin.refused('invalid-request', 'createScan', { ...scan, raw: 'nothing', contentType: 'multipart/form-data; boundary=x' });
  await admin.refused('invalid-request', 'createScan', { ...scan, raw: 'nothing', contentType: 'multipart/form-data' });
});

const paths = suite('paths and methods');
paths('an unknown path is 404, whoever asks, as a problem', async () => {
  for (const path of ['/nope', '/v1', '/v1/nope', '/api/v1/projects/x/y/z', '/../etc/passwd', '/v1/projects//scans']) {
    const { status, body } = await send('GET', path);
    assert.is(status, 404, path);
    assert.is(member(body, 'type'), 'https://trustedoss.io/problems/not-found');
  }
});
paths('a wrong method is 405 with Allow', async () => {
  const { status, headers } = await send('PUT', '/v1/projects');
  assert.equal([status, headers.get('Allow')], [405, 'GET, POST']);
});
paths('a broken percent-encoding is 400', async () => {
  assert.is((await send('GET', '/v1/projects/%zz')).status, 400);
  assert.is((await send('GET', '/v1/projects/%00')).status, 400);
});
paths('a request id is taken when it is printable, and made otherwise', async () => {
  assert.is((await send('GET', '/health', { headers: { 'X-Request-ID': 'my id 7' } })).headers.get('X-Request-ID'), 'my id 7');
  assert.match((await send('GET', '/health', { headers: { 'X-Request-ID': 'x'.repeat(129) } })).headers.get('X-Request-ID') ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});
paths('the health operations answer to anyone', async () => {
  await anonymous.expect(200, 'getHealth');
  await anonymous.expect(200, 'getFrontendHealth');
  await anonymous.expect(200, 'getReadiness');
});

const uploads = suite('uploads');
uploads('half characters in an SBOM are replaced, those that a limit would cut left out', async () => {
  const purl = 'pkg:npm/half@1.0.0';
  const document = cycloneDx([{ purl, license: 'x\ud800' }, { purl: 'pkg:npm/a\ud800b@1.0.0' }]).replace('"type":"library"', `"type":"library","description":"${'x'.repeat(99)}${'\u{1f600}'.repeat(3000)}","supplier":{"name":"\\udc00"}`);
  const id = await newProject(admin);
  assert.is((await scanToEnd(admin, id, sbomForm(document))).status, 'succeeded');
  const { body } = await admin.expect(200, 'listProjectComponents', { path: { id }, query: { sort: 'name' } });
  assert.equal([member(body, 'items', 0, 'purl'), member(body, 'items', 1, 'purl')], ['pkg:npm/a%EF%BF%BDb@1.0.0', purl]);
});
uploads('what is no SBOM and no archive is refused at once', async () => {
  await admin.refused('unsupported-sbom', 'createScan', { ...scan, form: sbomForm('hello') });
  await admin.refused('unsupported-sbom', 'createScan', { ...scan, form: sbomForm(SMALL_SBOM, { format: 'spdx-json' }) });
  await admin.refused('unsupported-archive', 'createScan', { ...scan, form: fileForm('archive', 'hello', 'a.zip') });
  await admin.refused('validation-failed', 'createScan', { ...scan, form: fileForm('file', 'hello', 'a.zip') });
  await admin.refused('validation-failed', 'createScan', { ...scan, form: sbomForm(SMALL_SBOM, { ref: 'a..b' }) });
  await admin.refused('no-scan-source', 'createScan', { ...scan, json: {} });
  await admin.refused('scan-kind-unavailable', 'createScan', { ...scan, json: { kind: 'container', image: 'alpine:3.20' } });
});
uploads('an upload over the limit is 413 and leaves nothing behind', async () => {
  const count = async () => (await sql<{ total: number }>`SELECT count(*)::int AS total FROM blobs`.execute(database.db)).rows[0]?.total;
  const before = await count();
  await admin.refused('payload-too-large', 'createScan', { ...scan, form: fileForm('archive', new Uint8Array(61 * 1024 * 1024), 'a.tar') });
  assert.is(await count(), before);
});
for (const [what, content] of [
  ['a truncated SBOM', SMALL_SBOM.slice(0, -40)],
  ['an SBOM with broken JSON in the middle', SMALL_SBOM.replace('"components":[', '"components":[{]')],
  ['an SBOM of an unknown version', SMALL_SBOM.replace('"1.6"', '"9.9"')],
] as const) {
  uploads(`${what} fails its scan with a clear message`, async () => {
    const { id, status } = await scanToEnd(admin, project, sbomForm(content));
    assert.is(status, 'failed');
    const { body } = await admin.expect(200, 'getScan', { path: { id } });
    assert.ok(String(member(body, 'error', 'message')).length > 10);
  });
}
uploads('an archive that climbs out of its folder fails its scan', async () => {
  const { id, status } = await scanToEnd(admin, project, fileForm('archive', await tarGz({ '../../etc/package-lock.json': '{}' }), 'a.tar.gz'));
  assert.is(status, 'failed');
  assert.match(String(member((await admin.expect(200, 'getScan', { path: { id } })).body, 'error', 'message')), /\.\./);
});
uploads('a gzip bomb fails its scan, and soon', async () => {
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(300 * 1024 * 1024)));
  const { status } = await scanToEnd(admin, project, fileForm('archive', bomb, 'a.tar.gz'));
  assert.is(status, 'failed');
});
uploads('a broken lock file is a warning, not a failure', async () => {
  const { id, status } = await scanToEnd(admin, project, fileForm('archive', await tarGz({ 'package-lock.json': '{ broken', 'requirements.txt': 'requests==2.19.1\n' }), 'a.tar.gz'));
  assert.is(status, 'succeeded');
  const { body } = await admin.expect(200, 'getScan', { path: { id } });
  assert.is(member(body, 'component_count'), 1);
  assert.match(JSON.stringify(member(body, 'warnings')), /package-lock\.json/);
});
uploads('one scan of a project and ref is active at a time', async () => {
  const own = await newProject(admin);
  const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind) VALUES (${own}, 'sbom') RETURNING id`.execute(database.db);
  const problem = await admin.refused('scan-in-progress', 'createScan', { path: { id: own }, form: sbomForm(SMALL_SBOM) });
  assert.is(problem['active_scan_id'], rows[0]?.id);
  assert.is(member((await admin.expect(200, 'getProjectGateResult', { path: { id: own }, query: { scan_id: rows[0]?.id ?? '' } })).body, 'gate'), 'pending');
  assert.is((await scanToEnd(admin, own, sbomForm(SMALL_SBOM, { ref: 'other' }))).status, 'succeeded');
  await sql`DELETE FROM scans WHERE id = ${rows[0]?.id ?? ''}`.execute(database.db);
});
uploads('an SBOM of 100,000 components succeeds', async () => {
  const parts = Array.from({ length: 100_000 }, (_, index) => ({ purl: `pkg:npm/made-${index}@1.${index % 100}.0`, license: 'MIT' }));
  const { id, status } = await scanToEnd(admin, await newProject(admin), sbomForm(cycloneDx(parts)));
  assert.is(status, 'succeeded');
  assert.is(member((await admin.expect(200, 'getScan', { path: { id } })).body, 'component_count'), 100_000);
}, { timeoutMs: 120_000 });

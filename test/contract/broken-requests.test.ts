/** Requests that no client of ours would send, most of them found by the fuzz: each is refused with a clear problem, and the server goes on. */
import * as assert from 'uvu/assert';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { member } from '../support/contract.ts';
import { cycloneDx, sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin } = await startTestPortal();
const project = await newProject(admin);
const scan = { path: { id: project } };

const values = suite('values that PostgreSQL does not have');
values('times outside of the years 1 to 9999, far offsets and leap seconds are refused, their neighbours are not', async () => {
  const before = (created_before: string) => admin.call('listScans', { query: { created_before } });
  for (const time of ['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01', '9999-12-31T23:59:59.9999999Z', '2016-12-31T23:59:60Z', '2027-02-29T00:00:00Z', '2100-02-29T00:00:00Z', '2027-01-01T24:00:00Z', '2027-01-01 00:00:00Z', '2027-01-01T00:00:00+01', '2027-01-01T00:00:00+16:00']) {
    assert.is((await before(time)).status, 400, time);
  }
  for (const time of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59+14:00', '2028-02-29t23:59:59.5z', '2000-02-29T00:00:00-15:59']) assert.is((await before(time)).status, 200, time);
});
values('a NUL that a package URL hides behind its percent-encoding is refused, in an SBOM it costs one component its identity', async () => {
  for (const purl of ['pkg:npm/a@%00', 'pkg:npm/%00', 'pkg:npm/%00/a', 'pkg:npm/a?b=%00', 'pkg:npm/a#%00']) await admin.refused('invalid-request', 'listComponents', { query: { purl } });
  const id = await newProject(admin);
  assert.is((await scanToEnd(admin, id, sbomForm(cycloneDx([{ purl: 'pkg:npm/nul%00@1.0.0' }, { purl: 'pkg:npm/other@1.0.0' }])))).status, 'succeeded');
});
values('an end of the times is kept as it was sent', async () => {
  const end = '9999-12-31T23:59:59.999Z';
  assert.is(member((await admin.expect(201, 'createApiKey', { json: { name: 'for ever', scope: 'org', expires_at: end } })).body, 'expires_at'), end);
});
values('an EPSS score that is smaller than any is as good as none', async () => {
  for (const min_epss of [5e-324, 1e-40]) {
    await admin.expect(200, 'listProjectVulnerabilities', { ...scan, query: { min_epss } });
    await admin.expect(200, 'listVulnerabilities', { query: { min_epss } });
  }
  const tiny = await newProject(admin, { gate: { epss_threshold: 5e-324 } });
  await scanToEnd(admin, tiny, sbomForm(SMALL_SBOM));
  await admin.expect(200, 'getProjectGateResult', { path: { id: tiny } });
});

/** Sends bytes as they are, and reads to the end. */
async function sendBytes(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(portal.url).port), '127.0.0.1');
  const answer = text(socket);
  socket.write(bytes, 'latin1');
  return answer;
}

const unreadable = suite('requests that are no HTTP');
for (const [what, bytes, status, slug] of [
  ['headers over 16 KiB', `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 431, 'request-headers-too-large'],
  ['a URL over 16 KiB', `GET /health?${'x'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'request-headers-too-large'],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00', 400, 'invalid-request'],
  ['a broken header', 'GET /health HTTP/1.1\r\nHost: x\r\nA b\r\n\r\n', 400, 'invalid-request'],
  ['a header with a NUL', 'GET /health HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n', 400, 'invalid-request'],
  ['two lengths', 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400, 'invalid-request'],
  ['a length and chunks', 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'invalid-request'],
  ['a broken chunk', 'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400, 'invalid-request'],
] as const) {
  unreadable(`${what}: the answer is a problem`, async () => {
    const [head = '', body = ''] = (await sendBytes(bytes)).split('\r\n\r\n');
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(head, /content-type: application\/problem\+json/i);
    assert.match(head, /x-request-id: [0-9a-f-]{36}/i);
    assert.is(member(JSON.parse(body), 'type'), `https://trustedoss.io/problems/${slug}`);
  });
}
unreadable('an expectation that is not known is ignored', async () => {
  assert.match(await sendBytes('GET /health HTTP/1.1\r\nHost: x\r\nExpect: something\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

const heads = suite('HEAD');
heads('HEAD is refused as GET is, without the body', async () => {
  for (const [path, status] of [['/v1/no-such-thing', 404], ['/v1/projects/x', 400], [`/v1/projects/${crypto.randomUUID()}`, 404], ['/v1/projects?limit=x', 400], ['/v1/projects', 200]] as const) {
    const answer = await fetch(portal.url + path, { method: 'HEAD', headers: { Authorization: `Bearer ${admin.token ?? ''}` } });
    assert.equal([answer.status, await answer.text()], [status, ''], path);
    if (status >= 400) assert.is(answer.headers.get('Content-Type'), 'application/problem+json; charset=utf-8');
  }
  assert.is((await fetch(`${portal.url}/v1/projects`, { method: 'HEAD' })).status, 401);
});

values('URLs that are none by RFC 3986, though browsers take them, are refused', async () => {
  for (const path of ['%zz', '%', 'a|b', 'a[b]', '%0']) {
    await admin.refused('validation-failed', 'replaceProjectCodeHost', { ...scan, json: { kind: 'github', token: 'a', api_url: `https://git.invalid/${path}` } });
    await admin.refused('validation-failed', 'createNotificationChannel', { json: { type: 'webhook', scope: 'organization', name: 'x', url: `https://hooks.invalid/${path}` } });
  }
});

const bodies = suite('a body that may be left out');
bodies('counts as an empty object', async () => {
  await admin.refused('no-scan-source', 'createScan', scan);
  await admin.refused('no-scan-source', 'createScan', { ...scan, contentType: 'application/json' });
});

const forms = suite('forms');
forms('forms that are broken in every way are refused, and the server goes on', async () => {
  const part = (headers: string, body = 'x', boundary = '--b') => `${boundary}\r\n${headers}\r\n\r\n${body}\r\n`;
  const field = (name: string) => part(`Content-Disposition: form-data; name="${name}"`);
  for (const form of [
    '', '--b', '--b--', '--b\r\n', '--b\r\nx', part('no header'), part('no header') + part('no header'), `${part('no header')}${field('ref')}--b--`, `${field('ref')}${part(': x')}${part(': x')}--b--`, `${field('ref')}--b`,
    part(`A: ${'x'.repeat(100_000)}`), part('Content-Disposition: form-data'), part('Content-Disposition: attachment; name="ref"'), field('ref') + field('ref'), `${field('__proto__')}--b--`, field('ref').repeat(50), '\r\n'.repeat(1000),
    `${part('Content-Disposition: form-data; name="sbom"; filename="a"', '{}')}${part('no header')}${part('no header')}--b--`,
  ]) {
    const { status } = await admin.call('createScan', { ...scan, raw: form, contentType: 'multipart/form-data; boundary=b' });
    assert.ok([400, 422].includes(status), `${JSON.stringify(form.slice(0, 100))} was answered ${status}`);
  }
  for (const contentType of ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary="']) assert.is((await admin.call('createScan', { ...scan, raw: 'x', contentType })).status, 400);
});

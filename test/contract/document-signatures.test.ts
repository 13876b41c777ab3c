/** Signatures of SBOMs: checked as strangers check them, with the published keys and a digest. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { sql } from 'kysely';
import { isRecord } from '../../src/core/values.ts';
import { sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { member } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin, anonymous, database } = await startTestPortal();
const FORMATS = ['cyclonedx-json', 'cyclonedx-xml', 'spdx-json', 'spdx-tv'] as const;
const project = await newProject(admin, { name: 'Signed' });
const { id: scan } = await scanToEnd(admin, project, sbomForm(SMALL_SBOM, { ref: 'main', commit_sha: 'a'.repeat(40) }));
const signature = (query: Record<string, string> = {}, id = project) => admin.expect(200, 'getProjectSbomSignature', { path: { id }, query });

async function published(): Promise<JSONWebKeySet> {
  const { body, headers } = await anonymous.expect(200, 'getDocumentKeys');
  assert.is(headers.get('Cache-Control'), 'public, max-age=300');
  const keys = member(body, 'keys');
  assert.ok(Array.isArray(keys));
  return { keys: keys.filter(isRecord).map(({ kty, crv, x, kid, alg, use }) => ({ kty: String(kty), crv: String(crv), x: String(x), kid: String(kid), alg: String(alg), use: String(use) })) };
}
/** What a signature states, by one of the published keys. */
async function verified(jws: string): Promise<unknown> {
  const { payload } = await compactVerify(jws, createLocalJWKSet(await published()), { algorithms: ['EdDSA'] });
  const statement: unknown = JSON.parse(new TextDecoder().decode(payload));
  return statement;
}

const first = suite('getDocumentKeys');
first('is empty before the first signature; many at once make one key, told once', async () => {
  assert.equal((await published()).keys, []);
  const answers = await Promise.all(Array.from({ length: 6 }, () => signature()));
  assert.is(new Set(answers.map(({ text }) => text)).size, 1);
  const { keys } = await published();
  assert.equal(keys.map((key) => [Object.keys(key).sort().join(), key.kid]), [['alg,crv,kid,kty,use,x', decodeProtectedHeader(answers[0]?.text ?? '').kid]]);
  const { rows } = await sql<{ operation: string }>`SELECT operation FROM audit_log WHERE target_table = 'document_keys'`.execute(database.db);
  assert.equal(rows.map(({ operation }) => operation), ['getProjectSbomSignature']);
});

const test = suite('getProjectSbomSignature');
for (const format of FORMATS) {
  test(`${format}: states the digest of the very bytes, and of what they are about`, async () => {
    const [document, answer] = [await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format } }), await signature({ format })];
    assert.match(answer.headers.get('Content-Disposition') ?? '', /^attachment; filename="signed\.[a-z.]+\.jws"$/);
    const bytes = Buffer.from(document.text);
    const fileName = /filename="(.*)"/.exec(document.headers.get('Content-Disposition') ?? '')?.[1];
    assert.equal(await verified(answer.text), {
      file_name: fileName, media_type: document.headers.get('Content-Type')?.split(';')[0], etag: document.headers.get('ETag'), size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'),
      project_id: project, scan_id: scan, ref: 'main', commit_sha: 'a'.repeat(40),
    });
    assert.is((await signature({ format })).text, answer.text);
    await admin.expect(304, 'getProjectSbomSignature', { path: { id: project }, query: { format }, headers: { 'If-None-Match': answer.headers.get('ETag') ?? '' } });
  });
}
test('a statement that was changed, or is by another key, is not ours', async () => {
  const [header = '', payload = '', mark = ''] = (await signature()).text.split('.');
  const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), size: 1 })).toString('base64url');
  for (const jws of [`${header}.${other}.${mark}`, admin.token ?? '']) assert.ok(await verified(jws).then(() => false, () => true));
});
test('a signature is no access token', async () => {
  await anonymous.as((await signature()).text).refused('unauthorized', 'getMe');
});
test('a key that signs no more leaves what it signed good; the next signature makes another', async () => {
  const before = (await signature()).text;
  await sql`UPDATE document_keys SET private_sealed = NULL`.execute(database.db);
  const after = (await signature()).text;
  assert.is.not(decodeProtectedHeader(after).kid, decodeProtectedHeader(before).kid);
  assert.equal(await verified(after), await verified(before));
});
test('a project without a scan has a signed empty document; a scan without results has none', async () => {
  const empty = await newProject(admin);
  assert.is(member(await verified((await signature({}, empty)).text), 'scan_id'), null);
  await admin.refused('scan-not-finished', 'getProjectSbomSignature', { path: { id: empty }, query: { scan_id: await queuedScan(database, empty) } });
});

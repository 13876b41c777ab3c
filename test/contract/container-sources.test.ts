/** Scans of container images with a stand-in for trivy: how it is called, what it may see, how its ends become faults, and what a cancelled run leaves. */
import * as assert from 'uvu/assert';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import tar from 'tar-stream';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { fileForm } from '../support/fixtures.ts';
import { tempFolder } from '../support/git.ts';
import { authFrame, watch } from '../support/live.ts';
import { startTestPortal } from '../support/portal.ts';
import { processesIn } from '../support/processes.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const OPENSSL = 'pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.4';
const LIBC = 'pkg:deb/debian/libc6@2.36-9+deb12u4?arch=amd64&distro=debian-12.4&epoch=0';
const document = JSON.stringify({
  bomFormat: 'CycloneDX', specVersion: '1.5', metadata: { component: { 'bom-ref': 'image', type: 'container', name: 'x' } },
  components: [OPENSSL, LIBC].map((purl) => ({ 'bom-ref': purl, type: 'library', name: purl.split('/')[2]?.split('@')[0], version: '1', purl })), dependencies: [{ ref: 'image', dependsOn: [OPENSSL] }],
});

const folder = await tempFolder();
const program = path.join(folder, 'trivy');
const log = path.join(folder, 'log');
/** The image's name says how it ends. */
await writeFile(program, `#!/bin/sh
{ pwd; for word in "$@"; do echo "arg $word"; done; env; } >'${log}'
while [ $# -gt 0 ]; do case "$1" in --output) out=$2; shift;; --skip-files) skips=yes;; --input) input=$2; shift;; *) last=$1;; esac; shift; done
[ -d "$input" ] && (cd "$input" && find . -type f | sort) >>'${log}'
case "$last" in
  */hang:*) touch '${folder}/hangs'; exec sleep 600;;
  */gone:*) echo 'FATAL image scan error: GET https://registry.example.com/v2/gone/manifests/1: MANIFEST_UNKNOWN: secret-of-the-registry' >&2; exit 1;;
  */private:*) echo 'UNAUTHORIZED: authentication required' >&2; exit 1;;
  */odd:*) echo 'secret-of-the-registry' >&2; exit 1;;
  */jars:*) [ -n "$skips" ] || { echo "Unable to initialize the Java DB" >&2; exit 1; };;
  */lies:*) echo '{"bomFormat":"CycloneDX","specVersion":"1.5","components":[' >"$out"; exit 0;;
esac
case "$input" in *broken*) exit 1;; esac
printf '%s' '${document}' >"$out"
`);
await chmod(program, 0o755);
process.env['SECRET_OF_THE_PORTAL'] = 'do-not-pass-on';

const { portal, admin, database } = await startTestPortal({ TRIVY_PATH: program, IMAGE_MAX_BYTES: String(1024 * 1024), ALLOW_PRIVATE_ADDRESSES: 'registry.example.com,192.168.7.7' });
const bare = await startTestPortal({ TRIVY_PATH: path.join(folder, 'no-such-program') });
const IMAGE = '192.168.7.7:5000';

interface Ended {
  id: string;
  status: string;
  code: unknown;
  body: unknown;
  purls: unknown[];
}

async function scan(options: { json?: Record<string, unknown>; form?: FormData }): Promise<Ended> {
  const project = await newProject(admin);
  const { body: queued } = await admin.expect(202, 'createScan', { path: { id: project }, ...options });
  const id = String(member(queued, 'id'));
  await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''));
  const { body, text } = await admin.expect(200, 'getScan', { path: { id } });
  assert.not.ok(text.includes('secret-of-the-registry'), text);
  const components = member((await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { scan_id: id } })).body, 'items');
  return { id, status: String(member(body, 'status')), code: member(body, 'error', 'code'), body, purls: Array.isArray(components) ? components.filter(isRecord).map((row) => row['purl']).sort() : [] };
}

const scanImage = (image: string): Promise<Ended> => scan({ json: { kind: 'container', image } });

async function tarOf(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const pack = tar.pack();
  const packed = buffer(pack);
  for (const [name, content] of Object.entries(files)) pack.entry({ name: name.replace(/ again$/, '') }, content);
  pack.finalize();
  return new Uint8Array(await packed);
}

const images = suite('createScan of a container image');
images('lists what trivy finds, with the qualifiers of package URLs as they were', async () => {
  const { status, body, purls } = await scanImage(`${IMAGE}/team/app:1.0`);
  assert.is(status, 'succeeded', JSON.stringify(body));
  assert.equal(purls, [LIBC.replace('+', '%2B'), OPENSSL]);
  assert.equal(['kind', 'image', 'source_format', 'component_count'].map((name) => member(body, name)), ['container', `${IMAGE}/team/app:1.0`, 'image', 2]);
});
images('calls trivy for a list alone, from the registry alone, in the scan\'s folder, without anything of the portal\'s environment', async () => {
  const { id } = await scanImage(`${IMAGE}/team/app@sha256:${'a'.repeat(64)}`);
  const called = await readFile(log, 'utf8');
  const workspace = path.join(portal.services.config.DATA_DIR, 'workspace', `${id}-1`);
  for (const words of ['arg image\n', 'arg --format\narg cyclonedx\n', 'arg --image-src\narg remote\n', 'arg --offline-scan\n', 'arg --skip-db-update\n', `arg --\narg ${IMAGE}/team/app@sha256:aa`]) assert.ok(called.includes(words), `${words} in ${called}`);
  assert.ok(called.startsWith(`${workspace}/trivy\n`) && called.includes(`HOME=${workspace}/trivy\n`) && called.includes(`DOCKER_CONFIG=${workspace}/trivy\n`));
  assert.match(called, /HTTPS_PROXY=http:\/\/portal:[0-9a-f]{48}@127\.0\.0\.1:\d+\n/);
  assert.not.match(called, /do-not-pass-on|postgres|--scanners|docker\.sock/);
  while ((await readdir(path.dirname(workspace))).includes(path.basename(workspace))) await new Promise((resolve) => setImmediate(resolve)); // it goes right after the last frame
});
images('each end of trivy is a fault in words of ours', async () => {
  for (const [image, code] of [[`${IMAGE}/gone:1`, 'image-not-found'], [`${IMAGE}/private:1`, 'image-authentication'], [`${IMAGE}/odd:1`, 'image-failed'], [`${IMAGE}/lies:1`, 'malformed']] as const) {
    const ended = await scanImage(image);
    assert.equal([ended.status, ended.code, ended.purls], ['failed', code, []], image);
  }
});
images('Java archives without a database are passed over, and the scan says so', async () => {
  const { status, body } = await scanImage(`${IMAGE}/jars:1`);
  assert.is(status, 'succeeded');
  assert.match(JSON.stringify(member(body, 'warnings')), /Java archives in the image were passed over/);
});
images('what is no reference, or leads to a private address, is refused when it is asked for', async () => {
  const project = await newProject(admin);
  const BAD = ['./app', '../app', 'a//b', 'a b', 'UPPER', 'file:///etc/passwd', 'https://example.com/a', 'a:b:c', 'a@sha256:12', 'a@md5:aa', 'registry.example.com/', 'registry.example.com/a:', 'registry.example.com/../a', 'user@registry.example.com/a', 'example.com:port/a', 'a\\b', 'docker-daemon:a/b@x', `a/${'b'.repeat(300)}`];
  for (const image of [...BAD, '127.0.0.1/a', 'localhost/a', 'localhost:5000/a', '169.254.169.254/a', '[::1]:5000/a', '[::ffff:10.0.0.1]/a', '10.1.2.3:5000/a']) {
    const { errors } = await admin.refused('validation-failed', 'createScan', { path: { id: project }, json: { kind: 'container', image } });
    assert.is(member(errors, 0, 'pointer'), '/image', image);
  }
  for (const image of ['/etc/passwd', '-v', '--input=/etc/passwd']) await admin.refused('validation-failed', 'createScan', { path: { id: project }, json: { kind: 'container', image } });
  await admin.refused('validation-failed', 'createScan', { path: { id: project }, json: { kind: 'container' } });
  await admin.refused('validation-failed', 'createScan', { path: { id: project }, json: { kind: 'source', image: 'a' } });
  await admin.refused('validation-failed', 'createScan', { path: { id: project }, form: (() => { const form = new FormData(); form.set('kind', 'container'); return form; })() });
});
images('addresses are judged again when the scan runs, however they are written', async () => {
  await writeFile(log, 'not called');
  for (const image of ['0x7f.1/a', '127.1:5000/a', '017700000001.0/a', '10.0.0.9/a']) {
    const project = await newProject(admin);
    const { rows } = await sql<{ id: string }>`INSERT INTO scans (project_id, kind, source_format, image) VALUES (${project}, 'container', 'image', ${image}) RETURNING id`.execute(database.db);
    const id = rows[0]?.id ?? '';
    await portal.services.db.transaction().execute((tx) => portal.services.enqueue(tx, 'run-scan', { scan_id: id }));
    await watch(portal.url, `/ws/scans/${id}`, authFrame(admin.token ?? ''));
    const { body } = await admin.expect(200, 'getScan', { path: { id } });
    assert.ok(['image-address-refused', 'image-unreachable'].includes(String(member(body, 'error', 'code'))), `${image} ${JSON.stringify(member(body, 'error'))}`);
  }
  assert.is(await readFile(log, 'utf8'), 'not called');
});
images('a cancelled scan ends trivy within a second', async () => {
  const project = await newProject(admin);
  const { body } = await admin.expect(202, 'createScan', { path: { id: project }, json: { kind: 'container', image: `${IMAGE}/hang:1` } });
  const id = String(member(body, 'id'));
  const workspace = path.join(portal.services.config.DATA_DIR, 'workspace', `${id}-1`);
  while (!(await readdir(folder)).includes('hangs')) await new Promise((resolve) => setImmediate(resolve));
  assert.ok((await processesIn(workspace)).length > 0);
  await sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE id = ${id}`.execute(database.db);
  const since = Date.now();
  while ((await processesIn(workspace)).length > 0) {
    assert.ok(Date.now() - since < 1000, 'trivy still runs a second after the cancel');
    await new Promise((resolve) => setImmediate(resolve));
  }
});
images('without trivy the kind is not available, and the answer says what to install', async () => {
  const { detail } = await bare.admin.refused('scan-kind-unavailable', 'createScan', { path: { id: await newProject(bare.admin) }, json: { kind: 'container', image: 'alpine:3.20' } });
  assert.match(String(detail), /trivy.*TRIVY_PATH/);
});

const archives = suite('createScan with an archive of an image');
const upload = (content: Uint8Array<ArrayBuffer>, name = 'image.tar'): Promise<Ended> => scan({ form: fileForm('archive', content, name, { kind: 'container' }) });
const blob = `blobs/sha256/${'b'.repeat(64)}`;
archives('docker save goes to trivy as it is, plain and compressed', async () => {
  const saved = await tarOf({ 'manifest.json': '[]', 'x/layer.tar': 'x' });
  for (const [content, format] of [[saved, 'image-tar'], [new Uint8Array(gzipSync(saved)), 'image-tar.gz']] as const) {
    const { status, body } = await upload(content);
    assert.equal([status, member(body, 'source_format'), member(body, 'image')], ['succeeded', format, null]);
    assert.match(await readFile(log, 'utf8'), /arg --input\narg .*\/image\.tar\n/);
  }
});
archives('an OCI layout is unpacked, and of it only what belongs to one', async () => {
  const { status, body } = await upload(await tarOf({ './oci-layout': '{}', './index.json': '{}', [`./${blob}`]: 'x', 'evil.sh': 'x', 'blobs/sha256/short': 'x', 'trivy.yaml': 'x' }));
  assert.is(status, 'succeeded', JSON.stringify(body));
  assert.ok((await readFile(log, 'utf8')).endsWith(`./${blob}\n./index.json\n./oci-layout\n`));
});
archives('what is no image, or a hostile one, fails its scan', async () => {
  const cases: [string, Uint8Array<ArrayBuffer>, string][] = [
    ['no image', await tarOf({ 'package-lock.json': '{}' }), 'image-malformed'],
    ['a path out of it', await tarOf({ 'oci-layout': '{}', '../../blobs/x': 'x' }), 'unsafe-path'],
    ['the same blob twice', await tarOf({ 'oci-layout': '{}', [blob]: 'x', [`${blob} again`]: 'y' }), 'malformed'],
    ['more than is read', new Uint8Array(gzipSync(await tarOf({ 'oci-layout': '{}', [blob]: 'x'.repeat(1_100_000) }))), 'bomb'],
    ['a truncated one', (await tarOf({ 'oci-layout': '{}', [blob]: 'x'.repeat(5000) })).subarray(0, 3000), 'malformed'],
  ];
  for (const [what, content, code] of cases) {
    const ended = await upload(content);
    assert.equal([ended.status, ended.code], ['failed', code], `${what} ${JSON.stringify(member(ended.body, 'error'))}`);
  }
});
archives('anything but a tar is refused at once', async () => {
  const project = await newProject(admin);
  for (const content of ['hello', 'PK\u0003\u0004zip']) await admin.refused('unsupported-archive', 'createScan', { path: { id: project }, form: fileForm('archive', content, 'image.tar', { kind: 'container' }) });
  await admin.refused('validation-failed', 'createScan', { path: { id: project }, form: fileForm('sbom', '{}', 'a.json', { kind: 'container' }) });
});

/**
 * The portal looks at what it is made of: the gate passes, every licence is known and allowed, and the SBOM and NOTICE in data/self are those of these dependencies. `TEST_SELF_SCAN=write make unit ONLY=self-scan`
 * writes them anew.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import * as assert from 'uvu/assert';
import { isRecord } from '../../src/core/values.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import { member } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = `${ROOT}data/self`;
/** What says what is installed. */
const SOURCES = ['LICENSE', 'package.json', 'package-lock.json', 'clients/typescript/package.json', 'clients/typescript/package-lock.json'];

async function packed(): Promise<Blob> {
  const pack = tar.pack();
  const bytes = buffer(pack);
  for (const name of SOURCES) pack.entry({ name, mtime: new Date(0) }, await readFile(ROOT + name));
  pack.finalize();
  return new Blob([gzipSync(await bytes)]);
}

/** Without what is another at each scan: times and numbers. */
function lasting(text: string): string {
  const sbom: unknown = JSON.parse(text);
  assert.ok(isRecord(sbom) && isRecord(sbom['metadata']));
  delete sbom['serialNumber'];
  delete sbom['metadata']['timestamp'];
  return `${JSON.stringify(sbom, null, 1)}\n`;
}

const { portal, admin } = await startTestPortal();
await importAdvisories(portal.services, `${ROOT}data/advisories`, () => undefined);
const project = await newProject(admin, { name: 'SCA Portal', slug: 'sca-portal', distribution: 'distributed' });
const form = new FormData();
form.set('kind', 'source');
form.set('archive', await packed(), 'sca-portal.tar.gz');
const { status } = await scanToEnd(admin, project, form);

/** They name their licence in a way that npm gave up in 2014 and lock files leave out; their LICENSE files say it. */
for (const name of ['busboy', 'decko', 'stickyfill', 'streamsearch']) {
  const { body } = await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { q: name } });
  const items = member(body, 'items');
  const found: unknown = Array.isArray(items) ? items.find((one) => String(member(one, 'purl')).startsWith(`pkg:npm/${name}@`)) : undefined;
  await admin.expect(200, 'replaceConcludedLicense', { path: { component_id: String(member(found, 'id')) }, json: { expression: 'MIT', justification: 'as the LICENSE file of the package says' } });
}

const test = suite('the portal, scanned by itself');
test('passes its own gate, with licences that are all known', async () => {
  assert.is(status, 'succeeded');
  const gate = (await admin.expect(200, 'getProjectGateResult', { path: { id: project } })).body;
  const licenses = (await admin.expect(200, 'listProjectLicenses', { path: { id: project }, query: { limit: 1 } })).body;
  const distribution = member(licenses, 'distribution');
  assert.is(member(gate, 'gate'), 'pass', JSON.stringify(gate));
  assert.is(member(gate, 'forbidden_license_count'), 0);
  const unknown = member(distribution, 'unknown') === 0 ? [] : (await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { license_tier: ['unknown'] } })).body;
  assert.equal(unknown, []);
  const { body } = await admin.expect(200, 'listProjectComponents', { path: { id: project }, query: { limit: 1 } });
  assert.ok(Number(member(body, 'total')) > 400);
});
test('has the SBOM and the NOTICE that are committed', async () => {
  const sbom = lasting((await admin.expect(200, 'getProjectSbom', { path: { id: project }, query: { format: 'cyclonedx-json' } })).text);
  const notice = (await admin.expect(200, 'getProjectNotice', { path: { id: project }, query: { format: 'text' } })).text.replace(/ from the scan of \S+/, '');
  if (process.env['TEST_SELF_SCAN'] === 'write') {
    await mkdir(FOLDER, { recursive: true });
    await writeFile(`${FOLDER}/sbom.cdx.json`, sbom);
    await writeFile(`${FOLDER}/NOTICE.txt`, notice);
  }
  const hint = 'the dependencies have changed: TEST_SELF_SCAN=write make unit ONLY=self-scan';
  assert.ok(sbom === (await readFile(`${FOLDER}/sbom.cdx.json`, 'utf8')), hint);
  assert.ok(notice === (await readFile(`${FOLDER}/NOTICE.txt`, 'utf8')), hint);
});

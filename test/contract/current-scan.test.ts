/** Which of its scans a project shows. */
import * as assert from 'uvu/assert';
import { cycloneDx, sbomForm } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { admin } = await startTestPortal({});
const scan = async (project: string, ref?: string): Promise<string> =>
  (await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/one@1.0.0' }]), ref === undefined ? {} : { ref }))).id;
const shown = async (id: string): Promise<unknown> => (await admin.expect(200, 'getProject', { path: { id } })).body;

const test = suite('getProject');
test('without a default branch the newest scan is shown, whether it has a ref or not', async () => {
  const id = await newProject(admin);
  for (const ref of [undefined, 'main', 'topic', undefined]) {
    const newest = await scan(id, ref);
    assert.match(JSON.stringify(await shown(id)), `"current_scan_id":"${newest}"`);
  }
});
test('with a default branch its newest scan is shown, and until it has one the newest of all', async () => {
  const id = await newProject(admin, { default_branch: 'main' });
  const current = async (): Promise<string> => /"current_scan_id":"([^"]+)"/.exec(JSON.stringify(await shown(id)))?.[1] ?? '';
  const topic = await scan(id, 'topic');
  assert.is(await current(), topic);
  const loose = await scan(id);
  assert.is(await current(), loose);
  const main = await scan(id, 'main');
  for (const ref of [undefined, 'topic']) {
    await scan(id, ref);
    assert.is(await current(), main);
  }
  const next = await scan(id, 'main');
  assert.is(await current(), next);
});

/** Every operation of the contract against the running server: who may not, and what does not fit. */
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { operationIds as ids, operations } from '../../generated/operations.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { OperationId } from '../../src/http/types.ts';
import { issueKey } from '../support/api-keys.ts';
import { exampleBody, member, read } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { cycloneDx, sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { newProject, newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const METRICS_TOKEN = 'opens-one-operation';
const { portal, anonymous, admin, database } = await startTestPortal({ METRICS_TOKEN });
const outsider = await newUser(anonymous, database, 'developer');
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Path parameters that fit their patterns and name nothing. */
function somePath(id: OperationId): Record<string, string> {
  const names = [...operations[id].path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const special: Record<string, string> = { provider: 'github', name: 'manual-20260101T000000Z' };
  return Object.fromEntries(names.map((name) => [name, special[name] ?? NOBODY]));
}

const project = await newProject(admin);
await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
const scan = (await scanToEnd(admin, project, sbomForm(SMALL_SBOM))).id;
const { rows } = await sql<{ component: string; finding: string; license_finding: string }>`
  SELECT f.component_id AS component, f.id AS finding, l.id AS license_finding FROM findings f JOIN license_findings l ON l.component_id = f.component_id LIMIT 1`.execute(database.db);

await scanToEnd(admin, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/conditional@1.0.0', license: 'MPL-2.0' }]), { ref: 'conditional' }));
const { rows: [asked] } = await sql<{ id: string }>`SELECT id FROM approvals`.execute(database.db);
const policy = String(member((await admin.expect(201, 'createLicensePolicy', { json: { scope: 'team', team_id: member((await admin.expect(200, 'getProject', { path: { id: project } })).body, 'team_id'), license: 'LicenseRef-any', tier: 'allowed' } })).body, 'id'));
const apiKey = (await issueKey(admin, { scope: 'org' })).id;

/** Path parameters that name rows which are there, as far as there are any yet. */
function realPath(id: OperationId): Record<string, string> {
  const { path } = operations[id];
  const { component = '', finding = '', license_finding: licenseFinding = '' } = rows[0] ?? {};
  const ofId = path.startsWith('/v1/projects/') ? project : path.startsWith('/v1/scans/') ? scan : path.startsWith('/v1/api-keys/') ? apiKey : path.startsWith('/v1/approvals/') ? (asked?.id ?? '') : path.startsWith('/v1/license-policies/') ? policy : NOBODY;
  return { ...somePath(id), id: ofId, component_id: component, finding_id: path.startsWith('/v1/license_findings') ? licenseFinding : finding };
}

const walk = suite('every operation');
for (const id of ids) {
  const { access, method, path } = operations[id];
  const isPublic = 'public' in access;
  if (!isPublic) {
    walk(`${id} refuses a caller without a credential`, async () => {
      const { status, headers } = await anonymous.call(id, { path: somePath(id) });
      assert.is(status, 401);
      assert.is(headers.get('WWW-Authenticate'), 'Bearer');
    });
    walk(`${id} refuses a forged token`, async () => {
      const { status } = await anonymous.as('eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.').call(id, { path: somePath(id) });
      assert.is(status, 401);
    });
  }
  if ('within' in access && access.within === 'installation') {
    walk(`${id} does not exist for anyone but a super admin`, async () => {
      assert.is((await outsider.client.call(id, { path: somePath(id) })).status, 404);
    });
  }
  if (path.includes('{')) {
    walk(`${id} refuses ids that are none`, async () => {
      const names = Object.keys(somePath(id));
      assert.is((await admin.call(id, { path: Object.fromEntries(names.map((name) => [name, 'Not an id'])), ...exampleBody(id) })).status, 400);
    });
    if (!isPublic) {
      walk(`${id} refuses the member of another team`, async () => {
        assert.ok([403, 404].includes((await outsider.client.call(id, { path: realPath(id), ...exampleBody(id) })).status));
      });
    }
  }
  if (operations[id].bodyLimit !== 'webhook' && 'json' in exampleBody(id)) { // webhooks need their headers first: webhooks-in.test.ts
    walk(`${id} refuses other media types, and what is too large`, async () => {
      assert.is((await admin.call(id, { path: realPath(id), raw: 'a: 1', contentType: 'application/yaml' })).status, 415);
      assert.is((await admin.call(id, { path: realPath(id), raw: `"${'x'.repeat(1024 * 1024)}"` })).status, 413);
    });
  }
  walk(`${id} names the allowed methods for a wrong one`, async () => {
    const url = new URL(path.replaceAll(/\{(\w+)\}/g, NOBODY), anonymous.baseUrl);
    const others = ids.filter((other) => operations[other].path === path).map((other) => operations[other].method.toUpperCase());
    const wrong = ['PUT', 'PATCH', 'DELETE', 'POST'].find((candidate) => !others.includes(candidate)) ?? 'PUT';
    const { status, headers, body } = await read(await fetch(url, { method: wrong }));
    assert.is(status, 405, `${wrong} ${path}`);
    assert.ok(headers.get('Allow')?.split(', ').includes(method.toUpperCase()), `Allow: ${headers.get('Allow') ?? ''}`);
    assert.is(member(body, 'type'), 'https://trustedoss.io/problems/method-not-allowed');
  });
  // what an identity provider adds to its answer is to be ignored
  if (id !== 'callbackOauth') walk(`${id} refuses an unknown query parameter or the caller, in the contract's order`, async () => {
    const caller = 'token' in access ? anonymous.as(METRICS_TOKEN) : admin;
    const { status } = await caller.call(id, { path: somePath(id), query: { no_such_parameter: '1' }, ...exampleBody(id) });
    assert.ok([400, 404, 403, 429].includes(status), `answered ${status}`);
  });
}

walk('scans are queued 120 times a minute by one caller, and no more', async () => {
  const answers = [];
  for (let count = 0; count < 125; count += 1) answers.push((await admin.call('createScan', { path: { id: project }, json: { kind: 'nonsense' } })).status);
  assert.is(answers.at(-1), 429);
  await sql`DELETE FROM rate_limits`.execute(database.db);
});

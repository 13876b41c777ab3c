/** Every operation as every kind of caller, against the running server: who gets past the gate is what generated/access.md says, and a super admin is always left. */
import * as assert from 'uvu/assert';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { operationIds as ids, operations } from '../../generated/operations.ts';
import { CALLERS, otherAction, verdictOf, type Caller } from '../../scripts/generate/access-matrix.ts';
import { isRecord } from '../../src/core/values.ts';
import { importAdvisories } from '../../src/domain/advisories/import.ts';
import type { OperationId } from '../../src/http/types.ts';
import { exampleBody, member, type CallOptions, type ContractClient } from '../support/contract.ts';
import { issueKey } from '../support/api-keys.ts';
import { cycloneDx, sbomForm, SMALL_SBOM } from '../support/fixtures.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser, scanToEnd } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, anonymous, database } = await startTestPortal({ METRICS_TOKEN: 'none-of-the-callers-has-it' });
await importAdvisories(portal.services, fileURLToPath(new URL('../../data/advisories', import.meta.url)), () => undefined);
const teamAdmin = await newUser(anonymous, database, 'team_admin');
const { teamId } = teamAdmin;
const developer = await newUser(anonymous, database, 'developer', teamId);
const outsider = await newUser(anonymous, database, 'team_admin');
const deactivated = await newUser(anonymous, database, 'team_admin', teamId);
await sql`UPDATE users SET is_active = false WHERE id = ${deactivated.id}`.execute(database.db);
const project = String(member((await teamAdmin.client.expect(201, 'createProject', { json: { name: 'Guarded', team_id: teamId } })).body, 'id'));
const scan = (await scanToEnd(teamAdmin.client, project, sbomForm(SMALL_SBOM))).id;
await scanToEnd(teamAdmin.client, project, sbomForm(cycloneDx([{ purl: 'pkg:npm/conditional@1.0.0', license: 'MPL-2.0' }]), { ref: 'conditional' }));
const { rows: [asked] } = await sql<{ id: string }>`SELECT id FROM approvals`.execute(database.db);
const policy = String(member((await teamAdmin.client.expect(201, 'createLicensePolicy', { json: { scope: 'team', team_id: teamId, license: 'LicenseRef-any', tier: 'allowed' } })).body, 'id'));
const { rows: [found] } = await sql<{ component: string; finding: string; license_finding: string }>`
  SELECT f.component_id AS component, f.id AS finding, l.id AS license_finding FROM findings f JOIN license_findings l ON l.component_id = f.component_id LIMIT 1`.execute(database.db);

const orgKey = await issueKey(admin, { scope: 'org' });
const projectKey = await issueKey(developer.client, { scope: 'project', project_id: project });
const expired = await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId });
await sql`UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = ${expired.id}`.execute(database.db);
const revoked = await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId });
await teamAdmin.client.expect(204, 'deleteApiKey', { path: { id: revoked.id } });
const without: Record<string, ContractClient> = {};
for (const action of ['scan:read', 'project:read'] as const) without[action] = (await issueKey(admin, { scope: 'org', allowed_actions: [action] })).client;

const clients: Record<Exclude<Caller, 'key without the action'>, ContractClient> = {
  anonymous, 'deactivated user': deactivated.client, developer: developer.client, 'team admin': teamAdmin.client, "other team's admin": outsider.client, 'super admin': admin,
  'org key': orgKey.client, 'team key': (await issueKey(teamAdmin.client, { scope: 'team', team_id: teamId })).client, 'project key': projectKey.client,
  'expired key': expired.client, 'revoked key': revoked.client,
};
const clientOf = (id: OperationId, caller: Caller): ContractClient | undefined => (caller === 'key without the action' ? without[otherAction(operations[id].access)] : clients[caller]);
for (const gone of [deactivated.client, expired.client]) await gone.isOut();

/** Names rows that are there, and a query parameter that is not: whoever is let in changes nothing. */
function request(id: OperationId): CallOptions {
  const { path } = operations[id];
  const ofId = path.startsWith('/v1/projects/') ? project : path.startsWith('/v1/scans/') ? scan : path.startsWith('/v1/api-keys') ? projectKey.id : path.startsWith('/v1/approvals') ? asked?.id : path.startsWith('/v1/license-policies') ? policy : '00000000-0000-4000-8000-000000000000';
  const known: Record<string, string | undefined> = {
    id: ofId, component_id: found?.component, finding_id: path.startsWith('/v1/license_findings') ? found?.license_finding : found?.finding, provider: 'github', name: 'manual-20260101T000000Z',
  };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const body = exampleBody(id);
  const owned = 'json' in body && isRecord(body.json) ? { json: { ...body.json, ...(id === 'createProject' || id === 'createLicensePolicy' ? { team_id: teamId } : {}), ...(id === 'createApproval' ? { project_id: project } : {}) } } : body;
  return { path: Object.fromEntries(names.map((name) => [name, known[name] ?? '00000000-0000-4000-8000-000000000000'])), query: { no_such_parameter: '1' }, ...owned };
}

/** It takes any query, as OAuth asks, and lets everybody in. */
const OPEN_QUERY: readonly OperationId[] = ['callbackOauth'];

const test = suite('access');
let cells = 0;
for (const id of ids.filter((one) => !OPEN_QUERY.includes(one))) {
  test(`${id} lets in whom generated/access.md says`, async () => {
    const wrong: string[] = [];
    for (const caller of CALLERS) {
      if (operations[id].rateLimit !== null) await sql`DELETE FROM rate_limits`.execute(database.db);
      const expected = verdictOf(operations[id].access, caller);
      const { status } = (await clientOf(id, caller)?.call(id, request(id))) ?? { status: 0 };
      cells += 1;
      if (status !== (expected === 'in' ? 400 : expected)) wrong.push(`${caller}: ${status}, not ${expected}`);
    }
    assert.equal(wrong, []);
  });
}
test('the matrix has a cell for every operation and caller', () => {
  assert.is(cells, (ids.length - OPEN_QUERY.length) * CALLERS.length);
  console.log(`${cells} cells of the access matrix`);
});
test('what roles may do is as the product says', () => {
  const says = (id: OperationId, caller: Caller) => verdictOf(operations[id].access, caller);
  assert.equal(['developer', 'team admin', "other team's admin"].map((caller) => says('deleteProject', CALLERS.find((one) => one === caller) ?? 'anonymous')), [403, 'in', 403]);
  assert.equal([says('importProjectVex', 'developer'), says('importProjectVex', 'team admin')], [403, 'in']);
  assert.equal([says('createScan', 'developer'), says('createScan', 'project key'), says('createScan', 'key without the action')], ['in', 'in', 403]);
  assert.equal([says('listAdminUsers', 'team admin'), says('listAdminUsers', 'super admin'), says('listAdminUsers', 'org key'), says('listAdminUsers', 'team key')], [404, 'in', 'in', 404]);
  assert.equal([says('createApiKey', 'org key'), says('createApiKey', 'developer')], [403, 'in']);
});

const guard = suite('last super admin');
guard('of two super admins, fifty demotions at once leave one', async () => {
  const second = await newUser(anonymous, database, 'developer');
  await sql`UPDATE users SET is_super_admin = true WHERE id = ${second.id}`.execute(database.db);
  const { rows } = await sql<{ id: string }>`SELECT id FROM users WHERE is_super_admin`.execute(database.db);
  assert.is(rows.length, 2);
  const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, turn) => sql`UPDATE users SET is_super_admin = false WHERE id = ${rows[turn % 2]?.id ?? ''}`.execute(database.db)));
  assert.ok(outcomes.some(({ status }) => status === 'rejected'));
  assert.is((await sql`SELECT 1 FROM users WHERE is_super_admin AND is_active`.execute(database.db)).rows.length, 1);
  await sql`UPDATE users SET is_super_admin = true WHERE id = ANY(${rows.map(({ id }) => id)}::uuid[])`.execute(database.db);
});

/** Every operation with a fault of ours, and with the database away: a problem that says so and tells nothing of the cause. */
import * as assert from 'uvu/assert';
import pg from 'pg';
import { operationIds as ids, operations } from '../../generated/operations.ts';
import type { OperationId } from '../../src/http/types.ts';
import { exampleBody, type ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newProject } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

/** They ask the database nothing, or do without; keys are asked for once a minute. */
const WITHOUT_DATABASE = new Set<OperationId>(['getHealth', 'getFrontendHealth', 'listOauthProviders', 'getJwks', 'getMetrics']);
const asked = ids.filter((id) => !WITHOUT_DATABASE.has(id));

function call(client: ContractClient, id: OperationId, project: string) {
  const path = { ...Object.fromEntries(operations[id].path.matchAll(/\{(\w+)\}/g).map(([, name = '']) => [name, project])), provider: 'github' }; // every other one is an id
  const cookie = id === 'refreshSession' || id === 'logoutUser' ? { Cookie: 'refresh_token=abc.def' } : {};
  return client.call(id, { path, headers: { 'If-Match': '1', ...cookie }, ...exampleBody(id) });
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

const test = suite('every operation');
for (const { status, slug, how, breakIt } of [
  { status: 500, slug: 'internal-error', how: 'with a fault of ours', breakIt: (url: string) => run(url, 'ALTER SCHEMA public RENAME TO elsewhere') },
  {
    status: 503, slug: 'unavailable', how: 'without the database',
    breakIt: async (url: string, adminUrl: string) => {
      const name = new URL(url).pathname.slice(1);
      await run(adminUrl, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await run(adminUrl, `SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = '${name}'`);
    },
  },
]) {
  const { admin, database } = await startTestPortal({}, { api: true, worker: false });
  const project = await newProject(admin);
  await breakIt(database.url, database.adminUrl);
  for (const id of asked) {
    test(`${id} ${how} is ${status}`, async () => {
      const answer = await call(admin, id, project);
      assert.is(answer.status, id === 'getReadiness' ? 503 : status, answer.text);
      if (id !== 'getReadiness') assert.match(answer.text, slug);
      assert.not.match(answer.text, /relation|schema|connection|postgres|select/i);
    });
  }
}

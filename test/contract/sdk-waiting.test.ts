/** The TypeScript client follows scans: over the portal's WebSocket, and by asking where that cannot be or breaks. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { PortalProblem, PortalTimeout, uploadArchive, waitForScan, type PortalClient } from '../../clients/typescript/src/index.ts';
import { issueKey } from '../support/api-keys.ts';
import { tarGz } from '../support/fixtures.ts';
import { npmLock } from '../support/git.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan } from '../support/scans.ts';
import { openClient } from '../support/sdk.ts';
import { startStumblingProxy } from '../support/stumbling-proxy.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const proxy = await startStumblingProxy(portal.port);
const key = await issueKey(admin, { scope: 'org' });
const seenOf = (method: string, start: string): number => proxy.seen.filter((line) => line.startsWith(`${method} ${start}`)).length;

const waiting = suite('waitForScan');
waiting.beforeEach(async () => {
  proxy.seen.splice(0);
  proxy.refuseSockets = false;
  proxy.killSocket = () => false;
  await sql`DELETE FROM rate_limits`.execute(database.db);
});
const archive = await tarGz({ 'package-lock.json': npmLock('lodash@4.17.20') });
const start = async (client: PortalClient): Promise<string> => (await uploadArchive(client, await newProject(admin), new Blob([archive]), { fileName: 'source.tar.gz' })).id;
waiting('follows over the socket of a user, and asks but once at the end', async () => {
  const { client } = openClient(proxy.url, ADMIN);
  const id = await start(client);
  const steps: string[] = [];
  const scan = await waitForScan(client, id, { onProgress: ({ step }) => void steps.push(step) });
  assert.equal([scan.status, scan.component_count, steps.at(-1)], ['succeeded', 1, 'succeeded']);
  assert.equal([seenOf('SOCKET', `/ws/scans/${id}`), seenOf('GET', `/v1/scans/${id}`)], [1, 1]);
});
waiting('goes on by asking when the socket is refused or killed', async () => {
  const { client } = openClient(proxy.url, ADMIN);
  proxy.refuseSockets = true;
  assert.is((await waitForScan(client, await start(client))).status, 'succeeded');
  proxy.refuseSockets = false;
  const project = await newProject(admin);
  const id = await queuedScan(database, project);
  let killed = 0;
  proxy.killSocket = (piece) => {
    const dies = piece.includes('"percent"'); // the first frame of the portal
    if (dies) killed += 1;
    return dies;
  };
  const asked = seenOf('GET', `/v1/scans/${id}`);
  const progress: string[] = [];
  const over = waitForScan(client, id, { onProgress: ({ step }) => void progress.push(step) });
  while (seenOf('GET', `/v1/scans/${id}`) < asked + 2) await new Promise((resolve) => setImmediate(resolve));
  await sql`UPDATE scans SET status = 'cancelled', completed_at = now() WHERE id = ${id}`.execute(database.db);
  assert.is((await over).status, 'cancelled');
  assert.equal([killed, progress], [1, ['queued', 'cancelled']]);
});
waiting('follows over the socket with an API key too, and by asking where the key may not', async () => {
  const { client } = openClient(proxy.url, { apiKey: key.text });
  const id = await start(client);
  assert.is((await waitForScan(client, id)).status, 'succeeded');
  assert.equal([seenOf('SOCKET', `/ws/scans/${id}`), seenOf('GET', `/v1/scans/${id}`)], [1, 1]);
  const without = await issueKey(admin, { scope: 'org', allowed_actions: ['scan:trigger', 'project:read'] });
  const refused = await waitForScan(openClient(proxy.url, { apiKey: without.text }).client, id).catch((error: unknown) => error);
  assert.ok(refused instanceof PortalProblem && refused.slug === 'forbidden', 'the socket is refused, and so is the question');
});
waiting('ends at its time limit, and when it is called off', async () => {
  const { client } = openClient(proxy.url, ADMIN);
  const id = await queuedScan(database, await newProject(admin));
  assert.instance(await waitForScan(client, id, { timeoutMs: 200 }).catch((error: unknown) => error), PortalTimeout);
  const off = new AbortController();
  const open = waitForScan(client, id, { signal: off.signal, onProgress: () => off.abort(new Error('enough')) });
  assert.match(String(await open.catch((error: unknown) => error)), /enough|abort/i);
});

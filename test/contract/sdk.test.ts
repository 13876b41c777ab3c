/** The TypeScript client against a real portal: problems, sessions, repeats, pages and uploads; what stumbles stumbles on the wire. */
import * as assert from 'uvu/assert';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { paginate, PortalProblem, PortalUnreachable, unwrap, uploadSbom, type Credential, type PortalClient } from '../../clients/typescript/src/index.ts';
import { issueKey } from '../support/api-keys.ts';
import { SMALL_SBOM } from '../support/fixtures.ts';
import { tempFolder } from '../support/git.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newProject, queuedScan } from '../support/scans.ts';
import { openClient, type TestClient } from '../support/sdk.ts';
import { startStumblingProxy } from '../support/stumbling-proxy.ts';
import { suite } from '../support/suite.ts';

const { portal, admin, database } = await startTestPortal();
const proxy = await startStumblingProxy(portal.port);
const key = await issueKey(admin, { scope: 'org' });
const machine = key.client; // tests end sessions, also that of admin
const folder = await tempFolder();

const clientAs = (credential: Credential): TestClient => openClient(proxy.url, credential);
const withKey = () => clientAs({ apiKey: key.text });
const problem = async (work: Promise<unknown>): Promise<PortalProblem> => {
  const error: unknown = await work.then(() => new Error('it was not refused'), (reason: unknown) => reason);
  if (!(error instanceof PortalProblem)) throw error;
  return error;
};
const seenOf = (method: string, start: string): number => proxy.seen.filter((line) => line.startsWith(`${method} ${start}`)).length;
const forget = async (): Promise<void> => {
  proxy.seen.splice(0);
  proxy.keys.splice(0);
  await sql`DELETE FROM rate_limits`.execute(database.db);
};

const problems = suite('PortalProblem');
problems.beforeEach(forget);
problems('has what the document says, typed', async () => {
  const { client } = withKey();
  const refused = await problem(client.POST('/v1/projects', { body: { name: '' } }));
  assert.equal([refused.slug, refused.status, refused.type, refused.errors[0]?.pointer], ['validation-failed', 422, 'https://trustedoss.io/problems/validation-failed', '/name']);
  assert.ok(refused.requestId !== null && refused.requestId.length > 10);
  const unknown = await problem(client.GET('/v1/projects/{id}', { params: { path: { id: crypto.randomUUID() } } }));
  assert.ok(unknown.status === 404 && unknown.slug === 'not-found' && unknown.retryAfter === null, unknown.message);
  const stranger = await problem(clientAs({ apiKey: 'tos_nobody00_00000000000000000000000000000000' }).client.GET('/v1/projects', {}));
  assert.equal([stranger.slug, stranger.status], ['unauthorized', 401]);
});
problems('carries members such as active_scan_id, and tells answers of others from the portal\'s', async () => {
  const { client } = withKey();
  const project = await newProject(machine);
  const active = await queuedScan(database, project, 'main');
  const refused = await problem(uploadSbom(client, project, new Blob([SMALL_SBOM]), { ref: 'main' }));
  assert.equal([refused.slug, refused.document['active_scan_id']], ['scan-in-progress', active]);
  proxy.stumble('/v1/projects', { answer: 403, headers: { 'Content-Type': 'text/html' }, body: '<h1>Blocked</h1>' });
  const foreign = await problem(client.GET('/v1/projects', {}));
  assert.equal([foreign.slug, foreign.status, foreign.type], [null, 403, 'about:blank']);
  proxy.stumble('/v1/projects', { answer: 301, headers: { Location: 'https://elsewhere.example.com/v1/projects' } });
  assert.match((await problem(client.GET('/v1/projects', {}))).detail, /leads to https:\/\/elsewhere\.example\.com/);
});

const sessions = suite('sessions');
sessions.beforeEach(forget);
/** Access tokens signed until now are good no more, as if they had expired. */
const spoilTokens = async (client: PortalClient): Promise<void> => {
  const token = await client.session.token();
  await sql`DELETE FROM signing_keys`.execute(database.db);
  await admin.as(token ?? '').isOut();
};
sessions('two requests that are refused at once renew the token once, by the cookie', async () => {
  const { client } = clientAs(ADMIN);
  await unwrap(client.GET('/auth/me'));
  await spoilTokens(client);
  const [first, second] = await Promise.all([unwrap(client.GET('/auth/me')), unwrap(client.GET('/auth/me'))]);
  assert.equal([first.email, second.email], [ADMIN.email, ADMIN.email]);
  assert.equal([seenOf('POST', '/auth/login'), seenOf('POST', '/auth/refresh'), seenOf('GET', '/auth/me')], [1, 1, 5]);
  await spoilTokens(client);
  await unwrap(client.GET('/auth/me'));
  assert.equal([seenOf('POST', '/auth/login'), seenOf('POST', '/auth/refresh')], [1, 2], 'the cookie that the refresh set is good for the next');
});
sessions('a token that has expired by the clock is renewed before it is sent', async () => {
  const { client, clock } = clientAs(ADMIN);
  await unwrap(client.GET('/auth/me'));
  clock.aheadMs = 31 * 60_000;
  await unwrap(client.GET('/auth/me'));
  assert.equal([seenOf('POST', '/auth/login'), seenOf('POST', '/auth/refresh'), seenOf('GET', '/auth/me')], [1, 1, 2]);
});
sessions('logs in again when the session has ended; without a password that is the end', async () => {
  const { client } = clientAs(ADMIN);
  await unwrap(client.GET('/auth/me'));
  await sql`DELETE FROM sessions`.execute(database.db);
  await spoilTokens(client);
  await unwrap(client.GET('/auth/me'));
  assert.equal([seenOf('POST', '/auth/refresh'), seenOf('POST', '/auth/login')], [1, 2]);
  const lost = clientAs({ accessToken: (await client.session.token()) ?? '' }).client;
  await unwrap(lost.GET('/auth/me'));
  await spoilTokens(client);
  assert.is((await problem(lost.GET('/auth/me'))).slug, 'unauthorized');
});
sessions('a wrong password is a problem, and end() ends the session at the portal', async () => {
  assert.is((await problem(clientAs({ ...ADMIN, password: 'not the password' }).client.GET('/auth/me'))).slug, 'invalid-credentials');
  const { client } = clientAs(ADMIN);
  const token = (await client.session.token()) ?? '';
  await client.session.end();
  await admin.as(token).isOut();
});

const repeats = suite('repeats');
repeats.beforeEach(forget);
repeats('503 and 429 are tried again after Retry-After, or with growing pauses; 400 is not', async () => {
  const { client, pauses } = withKey();
  proxy.stumble('/v1/projects', { answer: 503, headers: { 'Retry-After': '7' } }, { answer: 429 });
  await unwrap(client.GET('/v1/projects', {}));
  assert.ok(pauses.length === 2 && pauses[0] === 7000 && (pauses[1] ?? 0) >= 500 && (pauses[1] ?? 0) <= 1000, String(pauses));
  await problem(client.GET('/v1/projects', { params: { query: { sort: 'nothing' } } }));
  assert.equal([seenOf('GET', '/v1/projects'), pauses.length], [4, 2]);
});
repeats('gives up after four tries, and at once where the pause is too long', async () => {
  const { client } = withKey();
  const busy = { answer: 503, headers: { 'Retry-After': '1' } };
  proxy.stumble('/v1/scans', busy, busy, busy, busy);
  const refused = await problem(client.GET('/v1/scans', {}));
  assert.equal([refused.status, refused.retryAfter, seenOf('GET', '/v1/scans')], [503, 1, 4]);
  proxy.stumble('/v1/scans', { answer: 429, headers: { 'Retry-After': '3600' } });
  assert.is((await problem(client.GET('/v1/scans', {}))).retryAfter, 3600);
});
repeats('a POST that creates has a key of its own, so that a connection that breaks creates nothing twice', async () => {
  const { client } = withKey();
  const name = `Twice ${crypto.randomUUID()}`;
  proxy.stumble('/v1/projects', 'break', 'break-after');
  const project = await unwrap(client.POST('/v1/projects', { body: { name } }));
  assert.equal([seenOf('POST', '/v1/projects'), new Set(proxy.keys).size, typeof proxy.keys[0]], [3, 1, 'string']);
  const { items } = await unwrap(client.GET('/v1/projects', { params: { query: { q: name } } }));
  assert.equal(items.map(({ id }) => id), [project.id]);
});
repeats('an upload is sent anew from the disk, and scans once', async () => {
  const { client } = withKey();
  const project = await newProject(machine);
  const file = path.join(folder, 'bom.json');
  await writeFile(file, SMALL_SBOM);
  proxy.stumble(`/v1/projects/${project}/scans`, { answer: 503 }, 'break-after');
  const scan = await uploadSbom(client, project, file, { ref: 'refs/heads/main', commitSha: 'abcdef1', metadata: { build: 7 } });
  assert.equal([scan.kind, scan.ref, scan.commit_sha, scan.metadata, seenOf('POST', '/v1/projects')], ['sbom', 'main', 'abcdef1', { build: 7 }, 3]);
  assert.equal((await unwrap(client.GET('/v1/projects/{id}/scans', { params: { path: { id: project } } }))).total, 1);
});
repeats('what may have been done and has no key is not sent again; nor what nobody answers for long', async () => {
  const { client } = withKey();
  const project = await unwrap(client.GET('/v1/projects/{id}', { params: { path: { id: await newProject(machine) } } }));
  proxy.stumble('/v1/projects/', 'break');
  const patch = client.PATCH('/v1/projects/{id}', { params: { path: { id: project.id }, header: { 'If-Match': String(project.version) } }, body: { name: 'Other' } });
  assert.instance(await patch.catch((error: unknown) => error), PortalUnreachable);
  assert.is(seenOf('PATCH', '/v1/projects'), 1);
  proxy.stumble('/health', 'break', 'break', 'break', 'break');
  assert.instance(await client.GET('/health').catch((error: unknown) => error), PortalUnreachable);
  assert.is(seenOf('GET', '/health'), 4);
});

const pages = suite('paginate');
pages('gives all items in order over all pages, and asks only for those that are needed', async () => {
  await forget();
  const { client } = withKey();
  const tag = crypto.randomUUID().slice(0, 8);
  for (const number of [1, 2, 3, 4, 5]) await newProject(machine, { name: `${tag} ${number}` });
  const names: string[] = [];
  for await (const { name } of paginate(client, '/v1/projects', { query: { q: tag, sort: 'name', limit: 2 } })) names.push(name);
  assert.equal(names, [1, 2, 3, 4, 5].map((number) => `${tag} ${number}`));
  assert.is(seenOf('GET', '/v1/projects?'), 3);
  for await (const { name } of paginate(client, '/v1/projects', { query: { q: tag, sort: 'name', limit: 2, offset: 3 } })) {
    assert.is(name, `${tag} 4`);
    break;
  }
  assert.is(seenOf('GET', '/v1/projects?'), 4);
  const none: unknown[] = [];
  for await (const scan of paginate(client, '/v1/projects/{id}/scans', { path: { id: await newProject(machine) } })) none.push(scan);
  assert.equal(none, []);
});

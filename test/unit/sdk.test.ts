/** Pure pieces of the client, and what its package says of itself. */
import * as assert from 'uvu/assert';
import { readFile } from 'node:fs/promises';
import { createPortalClient, unwrap } from '../../clients/typescript/src/index.ts';
import { PortalProblem, problemOf, retryAfterSeconds, slugOf } from '../../clients/typescript/src/problem.ts';
import { asksAgain, isIdempotent, mayRepeatUnanswered, pauseBefore } from '../../clients/typescript/src/retry.ts';
import { cookieValue, createSession } from '../../clients/typescript/src/session.ts';
import { reasonOf } from '../../clients/typescript/src/transport.ts';
import { progressOf } from '../../clients/typescript/src/wait-for-scan.ts';
import { member } from '../support/contract.ts';
import { suite } from '../support/suite.ts';

const test = suite('client');
test('Retry-After is seconds or a date', () => {
  const now = new Date('2026-11-24T10:00:00Z');
  assert.equal([retryAfterSeconds('60', now), retryAfterSeconds('Tue, 24 Nov 2026 10:00:30 GMT', now), retryAfterSeconds('Tue, 24 Nov 2026 09:00:00 GMT', now), retryAfterSeconds('soon', now), retryAfterSeconds(null, now)], [60, 30, 0, null, null]);
});
test('types have their slug, also the one that is a urn; others have none', () => {
  assert.equal([slugOf('https://trustedoss.io/problems/not-found'), slugOf('urn:trustedoss:problem:last-oauth-link'), slugOf('about:blank'), slugOf('https://elsewhere.example.com/not-found')], ['not-found', 'last-oauth-link', null, null]);
});
test('broken problem documents are problems all the same', async () => {
  const headers = { 'Content-Type': 'application/problem+json', 'X-Request-ID': 'r-1' };
  for (const body of ['', '[]', '{"title": 7, "errors": [3, {"message": "m"}]}']) {
    const problem = await problemOf(new Response(body, { status: 500, headers }));
    assert.equal([problem.status, problem.type, problem.requestId], [500, 'about:blank', 'r-1'], body);
    assert.ok(problem instanceof PortalProblem && problem.errors.length <= 1);
  }
});
test('what may be sent again: by its method or key, and without an answer not what names a version', () => {
  const request = (method: string, headers: Record<string, string> = {}) => ({ method, headers: new Headers(headers) });
  assert.equal(['GET', 'HEAD', 'PUT', 'DELETE', 'POST', 'PATCH'].filter((method) => isIdempotent(request(method))), ['GET', 'HEAD', 'PUT', 'DELETE']);
  assert.ok(isIdempotent(request('POST', { 'idempotency-key': 'k' })));
  assert.equal([mayRepeatUnanswered(request('PUT')), mayRepeatUnanswered(request('PUT', { 'If-Match': '3' }))], [true, false]);
});
test('busy answers ask for another try, and a gateway, but not the portal about a code host', () => {
  const at = (status: number, slug?: string) => asksAgain({ status, type: slug === undefined ? 'about:blank' : `https://trustedoss.io/problems/${slug}` });
  assert.equal([at(429), at(503), at(502), at(504), at(409, 'idempotency-in-progress')], [true, true, true, true, true]);
  assert.equal([at(502, 'bad-gateway'), at(500), at(409, 'conflict'), at(404)], [false, false, false, false]);
});
test('pauses grow and end, and Retry-After goes before them', () => {
  const policy = { attempts: 4, maxDelayMs: 60_000 };
  assert.equal([1, 2, 3, 4].map((sent) => pauseBefore(sent, null, policy, 1)), [500, 1000, 2000, null]);
  assert.equal([pauseBefore(1, null, policy, 0), pauseBefore(1, 60, policy, 0), pauseBefore(1, 61, policy, 0), pauseBefore(1, 0, policy, 0)], [250, 60_000, null, 0]);
});
test('the refresh token is found among cookies', () => {
  assert.equal([cookieValue(['a=b; Path=/', 'refresh_token=x=y; HttpOnly']), cookieValue(['refresh_token=; Max-Age=0']), cookieValue([])], ['x=y', null, null]);
});
test('all who ask while a session is renewed share it, also its failure; the next asks anew', async () => {
  let answer = Promise.withResolvers<Response>();
  let posts = 0;
  const session = createSession({ email: 'a@example.com', password: 'p' }, () => {
    posts += 1;
    return answer.promise;
  }, () => 0);
  const asked = Promise.allSettled([session.token(), session.token(), session.renew('old')]);
  answer.resolve(new Response('{}', { status: 503 }));
  assert.equal((await asked).map(({ status }) => status), ['rejected', 'rejected', 'rejected']);
  answer = Promise.withResolvers();
  answer.resolve(Response.json({ access_token: 't', expires_in: 60 }, { headers: { 'Set-Cookie': 'refresh_token=r' } }));
  assert.equal([await session.token(), await session.renew('older'), posts], ['t', 't', 2]);
});
test('addresses lose their slash and keep their prefix; what is none is refused', () => {
  assert.is(createPortalClient({ baseUrl: 'https://example.com/api/', anonymous: true }).baseUrl, 'https://example.com/api');
  for (const baseUrl of ['portal.example.com', 'ftp://example.com', 'https://user@example.com', 'https://example.com/?x=1']) assert.throws(() => createPortalClient({ baseUrl, anonymous: true }), /address/, baseUrl);
});
test('an answer without a body is told from one with it', async () => {
  assert.equal(await unwrap(Promise.resolve({ data: { id: 1 }, response: new Response() })), { id: 1 });
  assert.match(String(await unwrap(Promise.resolve({ response: new Response(null, { status: 204 }) })).catch((error: unknown) => error)), /204 without a body/);
});
test('reasons are dug out of causes, frames out of messages', () => {
  const refused = new Error('connect ECONNREFUSED');
  assert.is(reasonOf(new TypeError('fetch failed', { cause: new AggregateError([refused], '') })), 'connect ECONNREFUSED');
  assert.match(reasonOf(new TypeError('fetch failed', { cause: new Error('801C:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:record.c:350:\n') })), /without TLS/);
  assert.equal([progressOf('{"percent":7,"step":"prep","ts":"x"}'), progressOf('{"percent":"7"}'), progressOf('no'), progressOf(new ArrayBuffer(1))], [{ percent: 7, step: 'prep' }, null, null, null]);
});
test('the package names the versions that the portal tests it with', async () => {
  const [own, portal, lock] = await Promise.all(['../../clients/typescript/package.json', '../../package.json', '../../clients/typescript/package-lock.json'].map(async (file): Promise<unknown> => JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8'))));
  for (const name of ['openapi-fetch', 'tar-stream']) {
    assert.is(member(own, 'dependencies', name), member(portal, 'dependencies', name), name);
    assert.is(member(lock, 'packages', `node_modules/${name}`, 'version'), member(own, 'dependencies', name), name);
  }
  assert.equal([member(own, 'version'), member(own, 'engines')], [member(portal, 'version'), member(portal, 'engines')]);
});

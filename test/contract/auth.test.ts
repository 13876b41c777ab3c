/** Log-in, refresh by rotating cookie, log-out, and who am I. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member, type Answer } from '../support/contract.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { anonymous, admin, database } = await startTestPortal();
const { db } = database;
const forgetLimits = () => sql`DELETE FROM rate_limits`.execute(db);
const cookieOf = (answer: Answer): string => answer.headers.getSetCookie()[0] ?? '';
const tokenOf = (answer: Answer): string => /^refresh_token=([^;]*)/.exec(cookieOf(answer))?.[1] ?? '';
const logIn = () => anonymous.expect(200, 'loginUser', { json: ADMIN });

const login = suite('loginUser');
login.beforeEach(forgetLimits);
login('gives a bearer token of thirty minutes and a cookie for seven days', async () => {
  const answer = await logIn();
  assert.is(member(answer.body, 'token_type'), 'bearer');
  assert.is(member(answer.body, 'expires_in'), 1800);
  const cookie = cookieOf(answer);
  for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=604800']) assert.ok(cookie.includes(part), cookie);
  assert.not.ok(cookie.includes('Secure'), 'http needs no Secure');
});
login('takes the address in any case, and answers under /api and /v1/auth too', async () => {
  await anonymous.expect(200, 'loginUser', { json: { ...ADMIN, email: ADMIN.email.toUpperCase() }, prefix: '/api/v1' });
  await anonymous.expect(200, 'loginUser', { json: ADMIN, prefix: '/api' });
});
login('answers an unknown address, a wrong password and an inactive account alike', async () => {
  const user = await newUser(anonymous, database, 'developer');
  await sql`UPDATE users SET is_active = false WHERE id = ${user.id}`.execute(db);
  const answers = [
    await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: 'nobody@example.com', password: 'x' } }),
    await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: ADMIN.email, password: 'wrong' } }),
    await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: user.email, password: 'a long enough passphrase' } }),
  ];
  assert.is(new Set(answers.map((answer) => answer['detail'])).size, 1);
});
login('is limited to five a minute and address, and says when to come back', async () => {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const { headers } = await anonymous.call('loginUser', { json: { email: 'nobody@example.com', password: 'x' } });
    assert.match(headers.get('RateLimit') ?? '', new RegExp(`^"login";r=${4 - attempt};t=\\d+$`));
    assert.is(headers.get('RateLimit-Policy'), '"login";q=5;w=60');
  }
  const { status, headers } = await anonymous.call('loginUser', { json: ADMIN });
  assert.is(status, 429);
  assert.is(headers.get('Retry-After'), '60');
});
login('faults in the body are named by pointer', async () => {
  const problem = await anonymous.refused('validation-failed', 'loginUser', { json: { email: 7, password: 'x' } });
  assert.is(member(problem, 'errors', 0, 'pointer'), '/email');
  const missing = await anonymous.refused('validation-failed', 'loginUser', { json: { email: 'a@example.com' } });
  assert.is(member(missing, 'errors', 0, 'pointer'), '/password');
});

const refresh = suite('refreshSession');
refresh.beforeEach(forgetLimits);
refresh('spends the token and gives the next', async () => {
  const first = tokenOf(await logIn());
  const answer = await anonymous.expect(200, 'refreshSession', { headers: { Cookie: `refresh_token=${first}` } });
  assert.ok(tokenOf(answer) !== '' && tokenOf(answer) !== first);
  await anonymous.as(String(member(answer.body, 'access_token'))).expect(200, 'getMe');
});
refresh('a spent token ends the whole session', async () => {
  const session = await logIn();
  const first = tokenOf(session);
  const second = tokenOf(await anonymous.expect(200, 'refreshSession', { headers: { Cookie: `refresh_token=${first}` } }));
  await anonymous.refused('refresh-token-reused', 'refreshSession', { headers: { Cookie: `refresh_token=${first}` } });
  await anonymous.refused('invalid-refresh-token', 'refreshSession', { headers: { Cookie: `refresh_token=${second}` } });
  assert.is((await anonymous.as(String(member(session.body, 'access_token'))).call('getMe')).status, 401);
});
refresh('of many at once with one token exactly one wins', async () => {
  const token = tokenOf(await logIn());
  const answers = await Promise.all(Array.from({ length: 8 }, () => anonymous.call('refreshSession', { headers: { Cookie: `refresh_token=${token}` } })));
  assert.is(answers.filter(({ status }) => status === 200).length, 1);
});
refresh('without a cookie, and with a made-up one, is 401', async () => {
  await anonymous.refused('invalid-refresh-token', 'refreshSession');
  await anonymous.refused('invalid-refresh-token', 'refreshSession', { headers: { Cookie: 'refresh_token=made-up' } });
});

const logout = suite('logoutUser');
logout.beforeEach(forgetLimits);
logout('ends the session and takes the cookie away, however often', async () => {
  const session = await logIn();
  const headers = { Cookie: `refresh_token=${tokenOf(session)}` };
  for (let time = 0; time < 2; time += 1) {
    const answer = await anonymous.expect(204, 'logoutUser', { headers });
    assert.ok(cookieOf(answer).includes('Max-Age=0'));
  }
  assert.is((await anonymous.as(String(member(session.body, 'access_token'))).call('getMe')).status, 401);
});

const me = suite('getMe');
me('tells the user and the memberships', async () => {
  const { body } = await admin.expect(200, 'getMe');
  assert.is(member(body, 'email'), ADMIN.email);
  assert.is(member(body, 'is_superuser'), true);
  assert.is(member(body, 'memberships', 0, 'role'), 'team_admin');
});
me('a deactivated user is out at once', async () => {
  const user = await newUser(anonymous, database, 'developer');
  await user.client.expect(200, 'getMe');
  await sql`UPDATE users SET is_active = false WHERE id = ${user.id}`.execute(db);
  const deadline = Date.now() + 5_000;
  let status = 200;
  while (status === 200 && Date.now() < deadline) ({ status } = await user.client.call('getMe'));
  assert.is(status, 401);
});
for (const [what, header] of [['no scheme', 'abc'], ['another scheme', 'Basic YTpi'], ['an API key that nobody has', 'Bearer tos_a1b2c3d4_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'], ['a truncated token', 'Bearer eyJhbGciOiJFZERTQSJ9']] as const) {
  me(`${what} is 401`, async () => {
    assert.is((await anonymous.call('getMe', { headers: { Authorization: header } })).status, 401);
  });
}

/** Registration, with a real mail server and without any; and a flood of log-ins. Forgotten passwords: accounts-passwords.test.ts. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { sweepExpiredJob } from '../../src/jobs/sweep-expired.ts';
import { comparable, forgetLimits, NEXT, PASSWORD, someone, startMailing } from '../support/accounts.ts';
import { member, type Answer } from '../support/contract.ts';
import { tokenIn } from '../support/mailbox.ts';
import { startTestPortal, type TestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';

const { mailbox, mailing, db, registered } = await startMailing();
const silent = await startTestPortal({}, { api: true, worker: false });
const closed = await startTestPortal({ SELF_REGISTRATION: 'off' }, { api: true, worker: false });
const forgetAll = () => forgetLimits(mailing, silent, closed);
const count = async (portal: TestPortal, table: 'users' | 'pending_registrations'): Promise<number> =>
  (await sql<{ n: number }>`SELECT count(*) AS n FROM ${sql.table(table)}`.execute(portal.database.db)).rows[0]?.n ?? -1;

const register = suite('registerUser');
register.beforeEach(forgetAll);
register('with mail: a link confirms the address, and then there is an account with a team of its own', async () => {
  const email = someone();
  const before = await count(mailing, 'users');
  await mailing.anonymous.expect(202, 'registerUser', { json: { email: email.toUpperCase(), password: PASSWORD, full_name: 'Ada Lovelace' } });
  const mail = await mailbox.next(email);
  assert.is(mail.headers.get('from'), 'Portal <portal@example.test>');
  assert.is(mail.headers.get('auto-submitted'), 'auto-generated');
  assert.match(mail.text, /^http:\/\/localhost:\d+\/verify-email\?token=/m);
  assert.not.match(mail.text, /Lovelace/, 'what a stranger typed is not mailed');
  assert.is(await count(mailing, 'users'), before);
  await mailing.anonymous.refused('invalid-credentials', 'loginUser', { json: { email, password: PASSWORD } });
  const token = tokenIn(mail, 'verify-email');
  await mailing.anonymous.refused('invalid-token', 'verifyEmail', { json: { token, password: NEXT } });
  const { body } = await mailing.anonymous.expect(201, 'verifyEmail', { json: { token, password: PASSWORD } });
  assert.equal([member(body, 'email'), member(body, 'full_name'), member(body, 'is_superuser')], [email, 'Ada Lovelace', false]);
  await mailing.anonymous.refused('invalid-token', 'verifyEmail', { json: { token, password: PASSWORD } });
  const user = await mailing.anonymous.signIn(email, PASSWORD);
  const me = await user.expect(200, 'getMe');
  assert.equal([member(me.body, 'memberships', 0, 'role'), member(me.body, 'memberships', 1)], ['team_admin', undefined]);
  await user.expect(201, 'createProject', { json: { name: 'Mine' } });
});
register('with mail: a taken address gets the same answer, and its owner a mail that says so', async () => {
  const email = await registered();
  const taken = await mailing.anonymous.call('registerUser', { json: { email: email.toUpperCase(), password: NEXT } });
  const free = await mailing.anonymous.call('registerUser', { json: { email: someone(), password: NEXT } });
  assert.equal(comparable(taken), comparable(free));
  const mail = await mailbox.next(email);
  assert.match(mail.text, /There is an account with this address already/);
  assert.not.match(mail.text, /token=/);
  await mailing.anonymous.refused('invalid-credentials', 'loginUser', { json: { email, password: NEXT } });
});
register('with mail: of two registrations of one address the one whose password is known wins, the other is gone', async () => {
  const email = someone();
  for (const password of [PASSWORD, NEXT]) await mailing.anonymous.expect(202, 'registerUser', { json: { email, password } });
  const tokens = [tokenIn(await mailbox.next(email), 'verify-email'), tokenIn(await mailbox.next(email), 'verify-email')];
  const answers = [];
  for (const token of tokens) answers.push((await mailing.anonymous.call('verifyEmail', { json: { token, password: NEXT } })).status);
  assert.equal(answers.sort(), [201, 422]);
  assert.is((await sql`SELECT 1 FROM pending_registrations WHERE email = ${email}`.execute(db)).rows.length, 0);
});
register('with mail: of five confirmations at once one makes the account', async () => {
  const email = someone();
  await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
  const token = tokenIn(await mailbox.next(email), 'verify-email');
  const answers = await Promise.all(Array.from({ length: 5 }, () => mailing.anonymous.call('verifyEmail', { json: { token, password: PASSWORD } })));
  assert.equal(answers.map(({ status }) => status).sort(), [201, 422, 422, 422, 422]);
});
register('with mail: an address that got an account meanwhile is 409 for the holder of the token', async () => {
  const email = someone();
  await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
  const token = tokenIn(await mailbox.next(email), 'verify-email');
  await sql`INSERT INTO users (email) VALUES (${email.toUpperCase()})`.execute(db);
  await mailing.anonymous.refused('email-already-registered', 'verifyEmail', { json: { token, password: PASSWORD } });
});
register('with mail: no more than five mails an hour go to one address, whatever the answer', async () => {
  const email = someone();
  for (let time = 0; time < 7; time += 1) {
    await sql`DELETE FROM rate_limits WHERE bucket LIKE 'register:%'`.execute(db);
    await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
  }
  for (let time = 0; time < 5; time += 1) await mailbox.next(email);
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM pending_registrations WHERE email = ${email}`.execute(db);
  assert.is(rows[0]?.n, 5);
});
register('with mail: an expired confirmation is refused, and swept', async () => {
  const email = someone();
  await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
  const token = tokenIn(await mailbox.next(email), 'verify-email');
  await sql`UPDATE pending_registrations SET expires_at = now() - interval '1 second' WHERE email = ${email}`.execute(db);
  await mailing.anonymous.refused('invalid-token', 'verifyEmail', { json: { token, password: PASSWORD } });
  await sweepExpiredJob.run(mailing.portal.services, {}, AbortSignal.timeout(10_000));
  assert.is((await sql`SELECT 1 FROM pending_registrations WHERE email = ${email}`.execute(db)).rows.length, 0);
});
register('without mail: 201 and signed in at once, then 409', async () => {
  const email = someone();
  const { body } = await silent.anonymous.expect(201, 'registerUser', { json: { email, password: PASSWORD } });
  assert.equal([member(body, 'email'), member(body, 'full_name')], [email, null]);
  await silent.anonymous.signIn(email, PASSWORD);
  const problem = await silent.anonymous.refused('email-already-registered', 'registerUser', { json: { email: email.toUpperCase(), password: PASSWORD } });
  assert.is(member(problem, 'errors', 0, 'pointer'), '/email');
});
register('without mail: ten at once with one address make one account', async () => {
  const email = someone();
  const before = await count(silent, 'users');
  await sql`INSERT INTO rate_limits VALUES ('register:ip:127.0.0.1', now(), -100, now() + interval '1 hour')`.execute(silent.database.db);
  const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => silent.anonymous.call('registerUser', { json: { email: index % 2 === 0 ? email : email.toUpperCase(), password: PASSWORD } })));
  assert.equal(answers.map(({ status }) => status).sort(), [201, ...Array<number>(9).fill(409)]);
  assert.is(await count(silent, 'users'), before + 1);
});
register('an Idempotency-Key gives the first answer again', async () => {
  const headers = { 'Idempotency-Key': crypto.randomUUID() };
  const json = { email: someone(), password: PASSWORD };
  const first = await silent.anonymous.expect(201, 'registerUser', { json, headers });
  const again = await silent.anonymous.expect(201, 'registerUser', { json, headers });
  assert.is(again.text, first.text);
  assert.is(again.headers.get('Idempotency-Replayed'), 'true');
});
register('weak passwords are refused and say why', async () => {
  const email = someone();
  for (const password of ['password1234', 'aaaaaaaaaaaaaa', '123456789012', `${email.split('@')[0] ?? ''}-key`]) {
    const problem = await silent.anonymous.refused('weak-password', 'registerUser', { json: { email, password } });
    assert.is(member(problem, 'errors', 0, 'pointer'), '/password');
  }
  await silent.anonymous.refused('validation-failed', 'registerUser', { json: { email, password: 'short' } });
});
register('bad addresses are refused before anything is written: CRLF, SQL, NUL, other scripts', async () => {
  const before = [await count(silent, 'users'), await count(mailing, 'pending_registrations')];
  const addresses = [
    'ada@example.com\r\nBcc: eve@example.com', "x' OR 1=1 --@example.com", "'; DROP TABLE users; --", 'аda@example.com', 'ada@exаmple.com', 'ａda@example.com',
    '\u212Aarl@example.com', 'adı@example.com', 'ada\u200b@example.com', 'ada@example.com\u202e', `${'a'.repeat(65)}@example.com`, 'ada@127.0.0.1',
  ];
  for (const email of addresses) {
    await forgetAll();
    for (const { anonymous } of [mailing, silent]) {
      const problem = await anonymous.refused('validation-failed', 'registerUser', { json: { email, password: PASSWORD } });
      assert.is(member(problem, 'errors', 0, 'pointer'), '/email', email);
    }
  }
  await silent.anonymous.refused('invalid-request', 'registerUser', { json: { email: 'a\0b@example.com', password: PASSWORD } });
  assert.equal([await count(silent, 'users'), await count(mailing, 'pending_registrations')], before);
  await forgetAll();
  await silent.anonymous.expect(201, 'registerUser', { json: { email: "o'brien--drop@example.com", password: PASSWORD } });
});
register('names with control characters, and passwords of a megabyte, are refused at once', async () => {
  await silent.anonymous.refused('validation-failed', 'registerUser', { json: { email: someone(), password: PASSWORD, full_name: 'Ada\r\nX: y' } });
  await silent.anonymous.refused('payload-too-large', 'registerUser', { json: { email: someone(), password: 'x'.repeat(1024 * 1024) } });
  const startedAt = performance.now();
  await silent.anonymous.refused('validation-failed', 'registerUser', { json: { email: someone(), password: 'x'.repeat(1000 * 1024) } });
  await silent.anonymous.refused('validation-failed', 'loginUser', { json: { email: someone(), password: 'x'.repeat(1000 * 1024) } });
  assert.ok(performance.now() - startedAt < 2_000);
});
register('is limited, and does not exist where it is switched off', async () => {
  await closed.anonymous.refused('not-found', 'registerUser', { json: { email: someone(), password: PASSWORD } });
  await closed.anonymous.refused('not-found', 'verifyEmail', { json: { token: 'x'.repeat(43), password: PASSWORD } });
  for (const id of ['registerUser', 'verifyEmail', 'resetPassword'] as const) {
    let answer: Answer | null = null;
    for (let time = 0; time < 6; time += 1) answer = await silent.anonymous.call(id, { json: {} });
    assert.equal([answer?.status, answer?.headers.get('Retry-After')], [429, '60'], id);
  }
});
register('what registering wrote has no password and no hash of one but where it waits for the confirmation', async () => {
  for (const table of ['audit_log', 'pgboss.job', 'password_reset_tokens', 'idempotency_keys']) {
    const { rows } = await sql<{ text: string }>`SELECT t::text AS text FROM ${sql.table(table)} t`.execute(db);
    assert.not.ok(rows.some(({ text }) => text.includes(PASSWORD) || text.includes(NEXT) || text.includes('argon2')), table);
  }
  const { rows } = await sql<{ operation: string }>`SELECT DISTINCT operation FROM audit_log`.execute(db);
  for (const operation of ['registerUser', 'verifyEmail']) assert.ok(rows.some((row) => row.operation === operation), operation);
});

const flood = suite('a flood of log-ins');
flood('has two passwords checked at once and few waiting; the rest is told to come back, and then all is well', async () => {
  await sql`INSERT INTO rate_limits VALUES ('login:ip:127.0.0.1', now(), -10000, now() + interval '1 hour') ON CONFLICT (bucket) DO UPDATE SET hits = -10000`.execute(silent.database.db);
  const before = process.memoryUsage.rss();
  const answers = await Promise.all(Array.from({ length: 400 }, () => silent.anonymous.call('loginUser', { json: { email: 'nobody@example.com', password: PASSWORD } })));
  const statuses = new Set(answers.map(({ status }) => status));
  assert.equal([...statuses].sort(), [401, 503]);
  assert.is(answers.find(({ status }) => status === 503)?.headers.get('Retry-After'), '2');
  assert.ok(process.memoryUsage.rss() - before < 400 * 2 ** 20, 'far from 400 times 19 MiB');
  await silent.anonymous.refused('invalid-credentials', 'loginUser', { json: { email: 'nobody@example.com', password: PASSWORD } });
});

const pages = suite('account pages');
pages('answer with slashes behind the path too, under whatever path they are served, and find their files and the operation', async () => {
  for (const page of ['/verify-email', '/reset-password']) for (const prefix of ['', '/api']) for (const slashes of ['', '/', '//']) {
    const at = new URL(`${silent.portal.url}${prefix}${page}${slashes}?token=x`);
    const response = await fetch(at);
    const html = await response.text();
    assert.equal([response.status, response.headers.get('Content-Type')], [200, 'text/html; charset=utf-8'], at.pathname);
    const files = [...html.matchAll(/(?:href|src)="([^"]+\.(?:css|js))"/g)].map(([, file = '']) => new URL(file, at));
    assert.is(files.length, 2);
    for (const file of files) assert.is((await fetch(file)).status, 200, file.pathname);
    const api = new URL(/data-api="([^"]+)"/.exec(html)?.[1] ?? '', at);
    assert.is(api.pathname, `${prefix}/auth${page}`, at.pathname);
  }
});

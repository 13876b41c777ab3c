/** Registration and forgotten passwords, with a real mail server and without any. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { sweepExpiredJob } from '../../src/jobs/sweep-expired.ts';
import { member, type Answer, type ContractClient } from '../support/contract.ts';
import { openMailbox, tokenIn } from '../support/mailbox.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const PASSWORD = 'copper-lantern-27-orbit';
const NEXT = 'velvet-harbour-61-quartz';
const mailbox = await openMailbox();
const mailing = await startTestPortal({ SMTP_URL: mailbox.url, MAIL_FROM: 'Portal <portal@example.test>' });
const silent = await startTestPortal({}, { api: true, worker: false });
const closed = await startTestPortal({ SELF_REGISTRATION: 'off', PASSWORD_RESET_RATE_LIMIT: '2' }, { api: true, worker: false });
const { db } = mailing.database;

const someone = (): string => `${crypto.randomUUID().slice(0, 13)}@example.com`;
const forgetLimits = async (): Promise<void> => {
  for (const { database } of [mailing, silent, closed]) await sql`DELETE FROM rate_limits`.execute(database.db);
};
const count = async (portal: typeof mailing, table: 'users' | 'pending_registrations' | 'password_reset_tokens' | 'audit_log'): Promise<number> =>
  (await sql<{ n: number }>`SELECT count(*) AS n FROM ${sql.table(table)}`.execute(portal.database.db)).rows[0]?.n ?? -1;

/** An account that was confirmed by mail, not signed in. */
async function registered(email = someone()): Promise<string> {
  await mailing.anonymous.expect(202, 'registerUser', { json: { email, password: PASSWORD } });
  await mailing.anonymous.expect(201, 'verifyEmail', { json: { token: tokenIn(await mailbox.next(email), 'verify-email'), password: PASSWORD } });
  await forgetLimits();
  return email;
}
async function resetToken(email: string): Promise<string> {
  await forgetLimits();
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email } });
  return tokenIn(await mailbox.next(email), 'reset-password');
}
const comparable = ({ status, text, headers }: Answer): unknown[] => [status, text, headers.get('Retry-After'), headers.get('Content-Type')];

const register = suite('registerUser');
register.beforeEach(forgetLimits);
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
    await forgetLimits();
    for (const { anonymous } of [mailing, silent]) {
      const problem = await anonymous.refused('validation-failed', 'registerUser', { json: { email, password: PASSWORD } });
      assert.is(member(problem, 'errors', 0, 'pointer'), '/email', email);
    }
  }
  await silent.anonymous.refused('invalid-request', 'registerUser', { json: { email: 'a\0b@example.com', password: PASSWORD } });
  assert.equal([await count(silent, 'users'), await count(mailing, 'pending_registrations')], before);
  await forgetLimits();
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

const forgot = suite('forgotPassword');
forgot.beforeEach(forgetLimits);
forgot('answers a known, an unknown and an impossible address alike, and again within the cooldown', async () => {
  const email = await registered();
  const mails = mailbox.mails.length;
  const round = async (): Promise<unknown[]> => {
    const answers = [];
    for (const one of [email, someone(), `${'a'.repeat(80)}@example.com`]) answers.push(comparable(await mailing.anonymous.expect(204, 'forgotPassword', { json: { email: one } })));
    await sql`DELETE FROM rate_limits WHERE bucket LIKE 'forgot-password:%'`.execute(db);
    return answers;
  };
  const unknown = someone();
  const first = await mailing.anonymous.expect(204, 'forgotPassword', { json: { email: unknown } });
  const again = await mailing.anonymous.expect(204, 'forgotPassword', { json: { email: unknown.toUpperCase() } });
  assert.is(first.headers.get('Retry-After'), '300');
  assert.ok(Number(again.headers.get('Retry-After')) > 290 && Number(again.headers.get('Retry-After')) <= 300);
  const answers = await round();
  assert.equal(answers, Array(3).fill([204, '', '300', null]));
  await mailbox.next(email);
  assert.is(mailbox.mails.length, mails + 1);
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email } });
  const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM pgboss.job WHERE name = 'send-mail' AND data ->> 'email' = ${email}`.execute(db);
  assert.is(rows[0]?.n, 1, 'no second mail is ordered within the cooldown');
});
forgot('no token is in the job table, the log of changes, or the database in clear', async () => {
  const email = await registered();
  const token = await resetToken(email);
  assert.is(token.length, 43);
  for (const table of ['pgboss.job', 'audit_log', 'password_reset_tokens', 'pending_registrations', 'idempotency_keys']) {
    const { rows } = await sql<{ text: string }>`SELECT t::text AS text FROM ${sql.table(table)} t`.execute(db);
    assert.not.ok(rows.some(({ text }) => text.includes(token) || (table !== 'pending_registrations' && text.includes('argon2'))), table);
  }
});
forgot('a mail that the server does not take at first comes later; one refused for good is not tried again', async () => {
  const email = await registered();
  mailbox.refuse(451);
  const token = await resetToken(email);
  await mailing.anonymous.expect(204, 'resetPassword', { json: { token, new_password: NEXT } });
  await mailbox.next(email);
  mailbox.refuse(554);
  await forgetLimits();
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email } });
  const state = async (): Promise<unknown> => (await sql<{ state: string }>`SELECT state FROM pgboss.job WHERE name = 'send-mail' AND data ->> 'email' = ${email} ORDER BY created_on DESC LIMIT 1`.execute(db)).rows[0]?.state;
  let now = await state();
  while (now === 'created' || now === 'active') now = await state();
  assert.is(now, 'completed');
});
forgot('an address that is none is 422', async () => {
  for (const email of ['nobody', 'ada@example.com\r\nBcc: eve@example.com', 'аda@example.com']) await mailing.anonymous.refused('validation-failed', 'forgotPassword', { json: { email } });
});
forgot("the link's page takes the password and sends it where the operation is, and runs no script but its own", async () => {
  const email = await registered();
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email } });
  const link = new URL(/^http\S+$/m.exec((await mailbox.next(email)).text)?.[0] ?? '');
  for (const prefix of ['', '/api']) {
    const base = `${mailing.portal.url}${prefix}`;
    const page = await fetch(base + link.pathname + link.search); // the port in the link is the configured one, 0 here
    const html = await page.text();
    assert.is(page.status, 200);
    assert.match(page.headers.get('Content-Security-Policy') ?? '', /^default-src 'none'; script-src 'self'; connect-src 'self'/);
    assert.is(page.headers.get('Referrer-Policy'), 'no-referrer');
    assert.not.match(html, new RegExp(link.searchParams.get('token') ?? 'no token'));
    const script = await fetch(new URL(/<script src="([^"]+)"/.exec(html)?.[1] ?? '', page.url));
    assert.equal([script.status, script.headers.get('Content-Type')], [200, 'text/javascript; charset=utf-8']);
    const [, api = '', field = ''] = /data-api="([^"]+)" data-member="([^"]+)"/.exec(html) ?? [];
    const sent = await fetch(new URL(api, page.url), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token: link.searchParams.get('token'), [field]: prefix === '' ? NEXT : PASSWORD }) });
    assert.is(sent.status, prefix === '' ? 204 : 422);
  }
  await mailing.anonymous.signIn(email, NEXT);
});
forgot('is limited as configured, and works the same without mail', async () => {
  for (const expected of [204, 204, 429]) {
    const answer = await closed.anonymous.expect(expected, 'forgotPassword', { json: { email: 'admin@example.com' } });
    assert.is(answer.headers.get('RateLimit-Policy'), '"forgot-password";q=2;w=60');
    assert.is(answer.headers.get('Retry-After') === '60', expected === 429);
  }
});
forgot('an inactive account gets no mail, and the cooldown is swept', async () => {
  const user = await newUser(mailing.anonymous, mailing.database, 'developer');
  await sql`UPDATE users SET is_active = false WHERE id = ${user.id}`.execute(db);
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email: user.email } });
  const witness = await registered();
  await mailing.anonymous.expect(204, 'forgotPassword', { json: { email: witness } });
  await mailbox.next(witness);
  assert.not.ok(mailbox.mails.some(({ to }) => to === user.email));
  await sql`UPDATE rate_limits SET expires_at = now() - interval '1 second'`.execute(db);
  await sweepExpiredJob.run(mailing.portal.services, {}, AbortSignal.timeout(10_000));
  assert.is((await sql`SELECT 1 FROM rate_limits`.execute(db)).rows.length, 0);
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

const reset = suite('resetPassword');
reset.beforeEach(forgetLimits);
const sessionsOf = async (email: string): Promise<ContractClient[]> => [await mailing.anonymous.signIn(email, PASSWORD), await mailing.anonymous.signIn(email, PASSWORD)];
reset('sets the password once, ends every session and every other token, and tells the owner', async () => {
  const email = await registered();
  const sessions = await sessionsOf(email);
  const [other, token] = [await resetToken(email), await resetToken(email)];
  await mailing.anonymous.expect(204, 'resetPassword', { json: { token, new_password: NEXT } });
  for (const session of sessions) await session.isOut();
  for (const spent of [token, other]) await mailing.anonymous.refused('invalid-token', 'resetPassword', { json: { token: spent, new_password: PASSWORD } });
  await mailing.anonymous.refused('invalid-credentials', 'loginUser', { json: { email, password: PASSWORD } });
  await mailing.anonymous.signIn(email, NEXT);
  assert.is((await mailbox.next(email)).headers.get('subject'), 'Your password was changed');
});
reset('of two at once with one token one wins', async () => {
  const token = await resetToken(await registered());
  const answers = await Promise.all([PASSWORD, NEXT].map((password) => mailing.anonymous.call('resetPassword', { json: { token, new_password: password } })));
  assert.equal(answers.map(({ status }) => status).sort(), [204, 422]);
});
reset('a weak password leaves the token as it is', async () => {
  const email = await registered();
  const token = await resetToken(email);
  const problem = await mailing.anonymous.refused('weak-password', 'resetPassword', { json: { token, new_password: `${email.split('@')[0] ?? ''}-key` } });
  assert.is(member(problem, 'errors', 0, 'pointer'), '/new_password');
  await mailing.anonymous.expect(204, 'resetPassword', { json: { token, new_password: NEXT } });
});
reset('an expired, an unknown and a mangled token are refused alike', async () => {
  const token = await resetToken(await registered());
  const { rows } = await sql<{ minutes: number }>`SELECT round(extract(epoch FROM max(expires_at) - now()) / 60)::int AS minutes FROM password_reset_tokens`.execute(db);
  assert.is(rows[0]?.minutes, 60);
  await sql`UPDATE password_reset_tokens SET expires_at = now() - interval '1 second'`.execute(db);
  const details = new Set();
  for (const one of [token, 'x'.repeat(43), token.toLowerCase(), "' OR 1=1; --"]) details.add((await mailing.anonymous.refused('invalid-token', 'resetPassword', { json: { token: one, new_password: NEXT } }))['detail']);
  assert.is(details.size, 1);
});
reset('a log-in whose password was checked before a change gets no session after it', async () => {
  const email = await registered();
  const waiting = async (): Promise<boolean> => (await sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db)).rows.length > 0;
  const login = await db.transaction().execute(async (tx) => {
    await sql`UPDATE users SET password_hash = 'another' WHERE email = ${email}`.execute(tx); // the log-in does not see it yet, and waits for it
    const answer = mailing.anonymous.call('loginUser', { json: { email, password: PASSWORD } });
    while (!(await waiting())) await new Promise((resolve) => setImmediate(resolve));
    return { answer };
  });
  assert.is((await login.answer).status, 401);
  assert.is((await sql`SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = ${email}`.execute(db)).rows.length, 0);
});
reset('every write left its audit row, without a secret', async () => {
  const { rows } = await sql<{ operation: string; diff: string }>`SELECT operation, diff::text AS diff FROM audit_log`.execute(db);
  const operations = new Set(rows.map(({ operation }) => operation));
  for (const operation of ['registerUser', 'verifyEmail', 'forgotPassword', 'resetPassword', 'send-mail']) assert.ok(operations.has(operation), operation);
  assert.not.ok(rows.some(({ diff }) => diff.includes(PASSWORD) || diff.includes(NEXT) || diff.includes('argon2')));
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

/** Forgotten passwords, with a real mail server: the mail, its link, and what a new password ends. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { sweepExpiredJob } from '../../src/jobs/sweep-expired.ts';
import { comparable, forgetLimits, NEXT, PASSWORD, someone, startMailing } from '../support/accounts.ts';
import { member, type ContractClient } from '../support/contract.ts';
import { startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { mailbox, mailing, db, registered, resetToken } = await startMailing();
const closed = await startTestPortal({ SELF_REGISTRATION: 'off', PASSWORD_RESET_RATE_LIMIT: '2' }, { api: true, worker: false });
const forgetAll = () => forgetLimits(mailing, closed);

const forgot = suite('forgotPassword');
forgot.beforeEach(forgetAll);
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
  await forgetAll();
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

const reset = suite('resetPassword');
reset.beforeEach(forgetAll);
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

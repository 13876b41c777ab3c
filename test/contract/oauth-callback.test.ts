/** The way back from an identity provider, a real OpenID Connect issuer or a small GitHub: who is logged in, and who is not. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { sweepExpiredJob } from '../../src/jobs/sweep-expired.ts';
import { member, type Answer } from '../support/contract.ts';
import { browse, CLIENT } from '../support/identity-provider.ts';
import { cookiesOf, failed, locationOf, newPerson, startOauth } from '../support/oauth.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { newUser } from '../support/scans.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database, db, issuer, github, forgetLimits, depart, visit, comeBack, logIn, clientOf, newProvenUser } = await startOauth();
const usersWith = async (email: string): Promise<number> => (await sql<{ count: number }>`SELECT count(*)::int AS count FROM users WHERE email = ${email}`.execute(db)).rows[0]?.count ?? -1;

const callback = suite('callbackOauth');
callback.beforeEach(forgetLimits);
callback('makes an account with a team and no password, and logs in again to the same one', async () => {
  const person = newPerson();
  const answer = await logIn('my-corp', person, { redirect_after: '/projects?tab=1#top' });
  assert.is(locationOf(answer), '/projects?tab=1#top');
  const cookies = cookiesOf(answer);
  for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=604800']) assert.ok(cookies.get('refresh_token')?.includes(part));
  assert.ok(cookies.get('oauth_state')?.includes('Max-Age=0'), 'the state cookie goes');
  const { body } = await (await clientOf(answer)).expect(200, 'getMe');
  assert.is(member(body, 'email'), person.email);
  assert.is(member(body, 'full_name'), 'Ada Lovelace');
  assert.is(member(body, 'memberships', 0, 'role'), 'team_admin');
  assert.is(member(body, 'is_superuser'), false);
  const again = await (await clientOf(await logIn('my-corp', { ...person, email: 'changed@example.com', email_verified: false }))).expect(200, 'getMe');
  assert.is(member(again.body, 'id'), member(body, 'id'), 'the subject counts, not the address');
  const { rows } = await sql<{ action: string; target_table: string }>`
    SELECT action, target_table FROM audit_log WHERE operation = 'callbackOauth' AND diff ->> 'user_id' = ${String(member(body, 'id'))} OR target_id = ${String(member(body, 'id'))} ORDER BY id`.execute(db);
  assert.equal(rows.map(({ action, target_table: table }) => `${action} ${table}`), ['create users', 'create oauth_identities', 'login sessions', 'login sessions']);
  await anonymous.refused('invalid-credentials', 'loginUser', { json: { email: person.email, password: '' .padEnd(12, 'x') } });
});
callback('takes the address from the ID token where it stands there', async () => {
  const person = newPerson();
  const { body } = await (await clientOf(await logIn('second', person))).expect(200, 'getMe');
  assert.is(member(body, 'email'), person.email);
});
callback('links the account with the same verified address, in any case', async () => {
  const user = await newProvenUser();
  const client = await clientOf(await logIn('my-corp', newPerson({ email: user.email.toUpperCase() })));
  assert.is(member((await client.expect(200, 'getMe')).body, 'id'), user.id);
  await clientOf(await logIn('second', newPerson({ email: user.email })));
  assert.is(member((await client.expect(200, 'listOauthIdentities')).body, 'total'), 2);
});
callback('an account whose address nobody proved is not linked: its password may be somebody else\'s', async () => {
  const user = await newUser(anonymous, database, 'developer');
  failed(await logIn('my-corp', newPerson({ email: user.email })), 'oauth_account_unverified');
  assert.is(member((await user.client.expect(200, 'listOauthIdentities')).body, 'total'), 0);
});
callback('where new accounts are off only who has one comes in', async () => {
  const closed = await startTestPortal({ GITHUB_URL: github.url, GITHUB_CLIENT_ID: CLIENT.id, GITHUB_CLIENT_SECRET: CLIENT.secret, OAUTH_NEW_ACCOUNTS: 'off' }, { api: true, worker: false });
  const attempt = async (email: string): Promise<Answer> => {
    github.person = { id: email.length, login: 'octocat', emails: [{ email, primary: true, verified: true }] };
    const { headers } = await closed.anonymous.expect(302, 'authorizeOauth', { path: { provider: 'github' } });
    const back = await browse(headers.get('Location') ?? '', `${closed.portal.url}/api/auth/oauth/github/callback`);
    return closed.anonymous.expect(302, 'callbackOauth', { path: { provider: 'github' }, query: Object.fromEntries(back.searchParams), headers: { Cookie: headers.getSetCookie()[0]?.split(';')[0] ?? '' } });
  };
  failed(await attempt('a-new-person@example.com'), 'oauth_no_account');
  assert.ok(cookiesOf(await attempt(ADMIN.email)).has('refresh_token'), 'the operator named the address of the first admin');
});
for (const [what, fields] of [
  ['an address that is not verified', { email: ADMIN.email, email_verified: false }], ['an address of which nothing is said', { email: ADMIN.email, email_verified: undefined }],
  ['no address', { email: undefined }], ['an address that only looks like another', { email: 'admin@exampl\u0435.com' }], ['a Kelvin sign for a k', { email: '\u212Aate@example.com' }],
] as const) {
  callback(`${what} opens and makes no account`, async () => {
    failed(await logIn('my-corp', { ...newPerson(), ...fields }), 'oauth_email_unverified');
    assert.is(member((await admin.expect(200, 'listOauthIdentities')).body, 'total'), 0);
  });
}
callback('a deactivated account stays shut, by its identity and by its address', async () => {
  const person = newPerson();
  await clientOf(await logIn('my-corp', person));
  await sql`UPDATE users SET is_active = false WHERE email = ${person.email}`.execute(db);
  failed(await logIn('my-corp', person), 'oauth_user_inactive');
  failed(await logIn('my-corp', newPerson({ email: person.email ?? '' })), 'oauth_user_inactive');
});
callback('who declines at the provider is told so', async () => {
  failed(await logIn('my-corp', null), 'oauth_denied');
});
callback('an error that the provider reports is a failure, and spends the state', async () => {
  const departure = await depart('my-corp');
  const query = { state: departure.location.searchParams.get('state') ?? '', error: 'server_error', error_description: '<script>' };
  failed(await comeBack(departure, query), 'oauth_failed');
  failed(await comeBack(departure, query), 'oauth_invalid_state');
});
callback('a state that is another, no cookie, another browser\'s cookie, and a changed one are refused before any code is traded', async () => {
  issuer.person = newPerson();
  const departure = await depart('my-corp');
  const other = await depart('my-corp');
  const query = await visit(departure);
  failed(await comeBack(departure, { ...query, state: 'x'.repeat(43) }), 'oauth_invalid_state');
  failed(await comeBack(departure, query, null), 'oauth_invalid_state');
  failed(await comeBack(departure, query, other.cookie), 'oauth_invalid_state');
  failed(await comeBack(departure, query, `${departure.cookie.slice(0, -2)}AA`), 'oauth_invalid_state');
  failed(await comeBack(departure, query, departure.cookie.slice(0, 20)), 'oauth_invalid_state');
  failed(await comeBack({ ...departure, provider: 'second' }, query), 'oauth_invalid_state');
  await clientOf(await comeBack(departure, query));
});
callback('a callback is good once, also of two at the same time', async () => {
  issuer.person = newPerson();
  const departure = await depart('my-corp');
  const query = await visit(departure);
  const answers = await Promise.all([comeBack(departure, query), comeBack(departure, query), comeBack(departure, query)]);
  assert.equal(answers.map(locationOf).sort(), ['/', '/login?error=oauth_invalid_state', '/login?error=oauth_invalid_state']);
  failed(await comeBack(departure, query), 'oauth_invalid_state');
});
callback('a cookie that is older than five minutes is refused', async () => {
  issuer.person = newPerson();
  const departure = await depart('my-corp');
  const query = await visit(departure);
  const { vault } = portal.services;
  const opened: unknown = JSON.parse(vault.open(Buffer.from(departure.cookie, 'base64url')));
  const sealed = (change: Record<string, unknown>): string => vault.seal(JSON.stringify({ ...(typeof opened === 'object' ? opened : {}), ...change })).toString('base64url');
  failed(await comeBack(departure, query, sealed({ expiresAt: Date.now() - 1 })), 'oauth_invalid_state');
  failed(await comeBack(departure, query, sealed({ use: 'something else' })), 'oauth_invalid_state');
  await clientOf(await comeBack(departure, query, sealed({})));
});
callback('spent states are swept once they are of no use', async () => {
  const { rows: [before] } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM oauth_spent_states`.execute(db);
  assert.ok((before?.count ?? 0) > 0);
  const later = (): Date => new Date(Date.now() + 3_600_000);
  await sweepExpiredJob.run({ ...portal.services, now: later }, {}, new AbortController().signal);
  const { rows: [after] } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM oauth_spent_states`.execute(db);
  assert.is(after?.count, 0);
});
callback('a nonce, a PKCE challenge or an issuer that is another is a failure', async () => {
  issuer.person = newPerson();
  for (const name of ['nonce', 'code_challenge']) {
    const departure = await depart('my-corp');
    departure.location.searchParams.set(name, 'A'.repeat(43));
    failed(await comeBack(departure, await visit(departure)), 'oauth_failed');
  }
  const departure = await depart('my-corp');
  const query = await visit(departure);
  assert.is(query['iss'], issuer.url);
  failed(await comeBack(departure, { ...query, iss: 'https://evil.example' }), 'oauth_failed');
  const without = await depart('my-corp');
  const { code = '', state = '' } = await visit(without);
  failed(await comeBack(without, { code, state }), 'oauth_failed');
  assert.is(await usersWith(issuer.person.email ?? ''), 0);
});
callback('a made-up code is a failure', async () => {
  const departure = await depart('my-corp');
  failed(await comeBack(departure, { code: 'made-up', state: departure.location.searchParams.get('state') ?? '', iss: issuer.url }), 'oauth_failed');
});
callback('missing parameters are named so; unknown ones are ignored; too long ones are 400', async () => {
  const departure = await depart('my-corp');
  failed(await comeBack(departure, {}), 'oauth_missing_params');
  failed(await comeBack(departure, { code: 'x', anything: 'else' }), 'oauth_missing_params');
  failed(await comeBack(departure, { state: 'x' }), 'oauth_missing_params');
  await anonymous.refused('invalid-request', 'callbackOauth', { path: { provider: 'my-corp' }, query: { code: 'x'.repeat(5000) } });
});
callback('two log-ins of a new person at once make one account', async () => {
  const person = newPerson();
  const answers = await Promise.all(Array.from({ length: 4 }, () => logIn('my-corp', person)));
  const ids = await Promise.all(answers.map(async (answer) => member((await (await clientOf(answer)).expect(200, 'getMe')).body, 'id')));
  assert.is(new Set(ids).size, 1);
  assert.is(await usersWith(person.email ?? ''), 1);
});
callback('the same subject of another issuer is another person', async () => {
  const person = newPerson();
  const first = await (await clientOf(await logIn('my-corp', person))).expect(200, 'getMe');
  const other = await (await clientOf(await logIn('second', { ...person, email: `${crypto.randomUUID()}@example.com` }))).expect(200, 'getMe');
  assert.is.not(member(first.body, 'id'), member(other.body, 'id'));
});
callback('names with control characters do no harm', async () => {
  const { body } = await (await clientOf(await logIn('my-corp', newPerson({ name: 'A\u0000da\r\n' })))).expect(200, 'getMe');
  assert.is(member(body, 'full_name'), 'Ada');
});

const githubLogIn = suite('callbackOauth with GitHub');
githubLogIn.beforeEach(forgetLimits);
async function logInToGithub(): Promise<Answer> {
  const departure = await depart('github');
  return comeBack(departure, await visit(departure));
}
githubLogIn('takes the verified primary address', async () => {
  const email = `${crypto.randomUUID()}@example.com`;
  github.person = { id: 583231, login: 'octocat', emails: [{ email: ADMIN.email, primary: false, verified: true }, { email, primary: true, verified: true }] };
  const client = await clientOf(await logInToGithub());
  const { body } = await client.expect(200, 'getMe');
  assert.equal([member(body, 'email'), member(body, 'full_name')], [email, 'octocat']);
  const identities = await client.expect(200, 'listOauthIdentities');
  assert.equal(['provider', 'provider_user_id', 'provider_email'].map((name) => member(identities.body, 'items', 0, name)), ['github', '583231', email]);
});
githubLogIn('a primary address that is not verified opens no account', async () => {
  github.person = { id: 7, login: 'mallory', emails: [{ email: ADMIN.email, primary: true, verified: false }, { email: 'mallory@example.com', primary: false, verified: true }] };
  failed(await logInToGithub(), 'oauth_email_unverified');
});
githubLogIn('a PKCE challenge that is another is a failure', async () => {
  const departure = await depart('github');
  departure.location.searchParams.set('code_challenge', 'A'.repeat(43));
  failed(await comeBack(departure, await visit(departure)), 'oauth_failed');
});

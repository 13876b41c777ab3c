/** Identity providers: which there are, the way to them, and what links an account to them. The way back: oauth-callback.test.ts. */
import * as assert from 'uvu/assert';
import { sql } from 'kysely';
import { member, type ContractClient } from '../support/contract.ts';
import { CLIENT } from '../support/identity-provider.ts';
import { cookiesOf, failed, locationOf, newPerson, startOauth } from '../support/oauth.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, db, issuer, callbackOf, forgetLimits, depart, logIn, clientOf, newProvenUser } = await startOauth();

const providers = suite('listOauthProviders');
providers('lists those that are configured, and where to send the browser', async () => {
  const { body, text } = await anonymous.expect(200, 'listOauthProviders');
  assert.is(member(body, 'items', 0, 'name'), 'github');
  assert.is(member(body, 'items', 0, 'authorize_url'), `${portal.url}/api/auth/oauth/github/authorize`);
  assert.ok(text.includes('"name":"my-corp","kind":"oidc"'));
  assert.not.ok(text.includes('google') || text.includes(CLIENT.secret));
});
providers('refuses a parameter that it does not know', async () => {
  await anonymous.refused('invalid-request', 'listOauthProviders', { query: { page: 1 } });
});

const authorize = suite('authorizeOauth');
authorize.beforeEach(forgetLimits);
authorize('sends the browser away with state, nonce and PKCE, and binds it by a cookie', async () => {
  const answer = await anonymous.expect(302, 'authorizeOauth', { path: { provider: 'my-corp' } });
  const { origin, searchParams } = new URL(locationOf(answer));
  assert.is(origin, issuer.url);
  assert.is(searchParams.get('redirect_uri'), callbackOf('my-corp'));
  assert.is(searchParams.get('code_challenge_method'), 'S256');
  assert.is(searchParams.get('response_type'), 'code');
  for (const name of ['state', 'nonce', 'code_challenge']) assert.is(searchParams.get(name)?.length, 43, name);
  const cookie = cookiesOf(answer).get('oauth_state') ?? '';
  for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/', 'Max-Age=300']) assert.ok(cookie.includes(part), cookie);
  assert.not.ok(cookie.includes(searchParams.get('state') ?? ''), 'the cookie is sealed');
});
for (const path of ['//evil.example', '/\\evil.example', '\\/evil.example', 'https://evil.example', 'javascript:alert(1)', '/%2f%2fevil.example', '/%5cevil.example', '/a//evil.example', '/.//evil.example', '/a\\b', '/a\tb', '/a\r\nSet-Cookie: x=y', 'evil.example', '/ä', '']) {
  authorize(`refuses redirect_after ${JSON.stringify(path)}`, async () => {
    const { errors } = await anonymous.refused('invalid-request', 'authorizeOauth', { path: { provider: 'my-corp' }, query: { redirect_after: path } });
    assert.is(member(errors, 0, 'parameter'), 'redirect_after');
  });
}
authorize('an unknown provider is 404, one that is not configured 503', async () => {
  await anonymous.refused('not-found', 'authorizeOauth', { path: { provider: 'nobody' } });
  await anonymous.refused('oauth-provider-disabled', 'authorizeOauth', { path: { provider: 'google' } });
  await anonymous.refused('not-found', 'callbackOauth', { path: { provider: 'nobody' } });
  await anonymous.refused('oauth-provider-disabled', 'callbackOauth', { path: { provider: 'google' } });
});
for (const [provider, what] of [['down', 'is not there'], ['hanging', 'hangs'], ['huge', 'answers without end'], ['impostor', 'says that it is another issuer']] as const) {
  authorize(`a provider that ${what} ends on the log-in page, in time`, async () => {
    const startedAt = performance.now();
    const answer = await anonymous.expect(302, 'authorizeOauth', { path: { provider } });
    failed(answer, 'oauth_failed');
    assert.not.ok(cookiesOf(answer).has('oauth_state'));
    assert.ok(performance.now() - startedAt < 3_000);
  });
}
authorize('is limited together with the callback, sixty a minute and address', async () => {
  for (let count = 0; count < 60; count += 1) await depart('github');
  await anonymous.refused('too-many-requests', 'authorizeOauth', { path: { provider: 'github' } });
  await anonymous.refused('too-many-requests', 'callbackOauth', { path: { provider: 'github' } });
});

const identities = suite('deleteOauthIdentity');
identities.beforeEach(forgetLimits);
const idsOf = async (client: ContractClient): Promise<string[]> => {
  const { body } = await client.expect(200, 'listOauthIdentities', { query: { sort: 'provider' } });
  const items = member(body, 'items');
  return Array.isArray(items) ? items.map((item) => String(member(item, 'id'))) : [];
};
identities('the last identity of a user without a password stays, under the customer\'s urn', async () => {
  const client = await clientOf(await logIn('my-corp', newPerson()));
  const [id = ''] = await idsOf(client);
  const { status, body } = await client.call('deleteOauthIdentity', { path: { identity_id: id } });
  assert.is(status, 409);
  assert.is(member(body, 'type'), 'urn:trustedoss:problem:last-oauth-link');
  assert.equal(await idsOf(client), [id]);
});
identities('of two removed at the same time one stays', async () => {
  const person = newPerson();
  const client = await clientOf(await logIn('my-corp', person));
  await clientOf(await logIn('second', newPerson({ email: person.email ?? '' })));
  const ids = await idsOf(client);
  assert.is(ids.length, 2);
  const answers = await Promise.all(ids.map((id) => client.call('deleteOauthIdentity', { path: { identity_id: id } })));
  assert.equal(answers.map(({ status }) => status).sort(), [204, 409]);
  assert.is((await idsOf(client)).length, 1);
});
identities('an identity at a provider that is no longer configured is no way in', async () => {
  const person = newPerson();
  const client = await clientOf(await logIn('my-corp', person));
  await sql`INSERT INTO oauth_identities (user_id, provider, issuer, provider_user_id) SELECT id, 'gone', 'https://gone.example', 'x' FROM users WHERE email = ${person.email}`.execute(db);
  const [gone = '', here = ''] = await idsOf(client);
  await client.refused('last-oauth-link', 'deleteOauthIdentity', { path: { identity_id: here } });
  await client.expect(204, 'deleteOauthIdentity', { path: { identity_id: gone } });
});
identities('with a password the last one goes, once, and leaves an audit row', async () => {
  const user = await newProvenUser();
  await clientOf(await logIn('my-corp', newPerson({ email: user.email })));
  const [id = ''] = await idsOf(user.client);
  await user.client.expect(204, 'deleteOauthIdentity', { path: { identity_id: id } });
  await user.client.refused('not-found', 'deleteOauthIdentity', { path: { identity_id: id } });
  const { rows } = await sql`SELECT 1 FROM audit_log WHERE operation = 'deleteOauthIdentity' AND target_id = ${id} AND actor_user_id = ${user.id}`.execute(db);
  assert.is(rows.length, 1);
});
identities('another user\'s identity is not there', async () => {
  const client = await clientOf(await logIn('my-corp', newPerson()));
  const [id = ''] = await idsOf(client);
  await admin.refused('not-found', 'deleteOauthIdentity', { path: { identity_id: id } });
  assert.equal(await idsOf(client), [id]);
});

/** Keys that sign access tokens: published, rotated, distrusted; and tokens that are not ours. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import * as assert from 'uvu/assert';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT, UnsecuredJWT, type JSONWebKeySet, type JWK } from 'jose';
import { sql, type KyselyPlugin } from 'kysely';
import { createTokenService, type TokenService } from '../../src/domain/auth/tokens.ts';
import { PUBLISHED_BEFORE_MS, rotateSigningKeys } from '../../src/domain/auth/rotate-keys.ts';
import { generateKey } from '../../src/domain/auth/signing-keys.ts';
import { rotateSigningKeysJob } from '../../src/jobs/rotate-signing-keys.ts';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
const { vault, config } = portal.services;
const token = admin.token ?? '';
const { kid = '' } = decodeProtectedHeader(token);
const DAY_MS = 86_400_000;

/** The private half as the portal keeps it. */
async function privateJwk(of: string, { db }: TestDatabase = database): Promise<JWK> {
  const { rows } = await sql<{ private_sealed: Buffer }>`SELECT private_sealed FROM signing_keys WHERE kid = ${of}`.execute(db);
  const jwk: unknown = JSON.parse(vault.open(rows[0]?.private_sealed ?? Buffer.alloc(0)));
  assert.ok(isRecord(jwk));
  return jwk;
}

interface Forgery {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  key?: JWK;
  alg?: string;
}

/** A token like the admin's, but for what is given. */
async function forge({ header = {}, claims = {}, key, alg = 'EdDSA' }: Forgery): Promise<string> {
  const signer = await importJWK(key ?? (await privateJwk(kid)), 'EdDSA');
  return new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(signer);
}

const isGood = async (candidate: string): Promise<boolean> => (await anonymous.as(candidate).call('getMe')).status === 200;
const publicKeys = async (): Promise<JSONWebKeySet> => ({ keys: await portal.services.tokens.publicKeys() });

const jwks = suite('getJwks');
jwks('gives public halves only, with which others check our tokens', async () => {
  const { body, headers } = await anonymous.expect(200, 'getJwks');
  assert.is(headers.get('Cache-Control'), 'public, max-age=300');
  const keys = member(body, 'keys');
  assert.ok(Array.isArray(keys) && keys.every(isRecord));
  assert.equal(keys.map((key) => Object.keys(key).sort().join()), ['alg,crv,kid,kty,use,x']);
  const { payload } = await jwtVerify(token, createLocalJWKSet(await publicKeys()), { issuer: 'sca-portal', audience: 'sca-portal-api', typ: 'at+jwt', algorithms: ['EdDSA'] });
  assert.is(payload['typ'], 'access');
});
jwks('refuses a parameter that it does not know', async () => {
  await anonymous.refused('invalid-request', 'getJwks', { query: { kid } });
});

const verify = suite('access tokens');
verify('one that is made as the portal makes it is good, so that what follows is refused for its fault', async () => {
  assert.ok(await isGood(await forge({})));
});
const seconds = (): number => Math.floor(Date.now() / 1000);
const other = await generateKeyPair('EdDSA', { extractable: true });
for (const [what, forgery] of [
  ['a signature by another key', async () => forge({ key: await exportJWK(other.privateKey) })],
  ['a key of its own in the header', async () => forge({ key: await exportJWK(other.privateKey), header: { jwk: await exportJWK(other.publicKey) } })],
  ['an unknown kid', () => forge({ header: { kid: 'unknown' } })],
  ['another audience', () => forge({ claims: { aud: 'another' } })],
  ['another issuer', () => forge({ claims: { iss: 'https://evil.example' } })],
  ['an end that has passed', () => forge({ claims: { exp: seconds() - 6 } })],
  ['no end', () => forge({ claims: { exp: undefined } })],
  ['a beginning that is still to come', () => forge({ claims: { nbf: seconds() + 60 } })],
  ['another type', () => forge({ header: { typ: 'JWT' } })],
  ['no session', () => forge({ claims: { sid: undefined } })],
  ['a session that is not there', () => forge({ claims: { sid: '00000000-0000-4000-8000-000000000000' } })],
  ['a critical extension that nobody knows', async () => {
    const signed = `${Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ: 'at+jwt', crit: ['new'], new: 1 })).toString('base64url')}.${token.split('.')[1] ?? ''}`;
    return `${signed}.${sign(null, Buffer.from(signed), createPrivateKey({ key: { ...(await privateJwk(kid)) }, format: 'jwk' })).toString('base64url')}`;
  }],
  ['alg none', () => Promise.resolve(new UnsecuredJWT(decodeJwt(token)).encode())],
  ['alg none with our kid', () => Promise.resolve(`${Buffer.from(JSON.stringify({ alg: 'none', kid, typ: 'at+jwt' })).toString('base64url')}.${token.split('.')[1] ?? ''}.`)],
  ['its last character missing', () => Promise.resolve(token.slice(0, -1))],
  ['no signature', () => Promise.resolve(token.slice(0, token.lastIndexOf('.') + 1))],
  ['no payload', () => Promise.resolve(token.split('.')[0] ?? '')],
  ['the payload of another', async () => [token.split('.')[0], (await forge({ claims: { sub: 'x' } })).split('.')[1], token.split('.')[2]].join('.')],
] as const) {
  verify(`a token with ${what} is refused`, async () => {
    assert.not.ok(await isGood(await forgery()));
  });
}
verify('HS256 with the public key as its secret is refused, in whatever form', async () => {
  const [jwk] = (await publicKeys()).keys;
  assert.ok(jwk !== undefined);
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  for (const secret of [pem.export({ type: 'spki', format: 'pem' }), pem.export({ type: 'spki', format: 'der' }), Buffer.from(jwk.x ?? '', 'base64url'), JSON.stringify(jwk)]) {
    const forged = await new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: 'HS256', kid, typ: 'at+jwt' }).sign(Buffer.from(secret));
    assert.not.ok(await isGood(forged));
  }
});
verify('clocks may differ by five seconds', async () => {
  assert.ok(await isGood(await forge({ claims: { exp: seconds() - 2 } })));
});
verify('name BASE_URL as their issuer where it is set, and are good there only', async () => {
  const published = await startTestPortal({ BASE_URL: 'https://portal.example.com/', GITHUB_CLIENT_ID: 'a', GITHUB_CLIENT_SECRET: 'b' }, { api: true, worker: false });
  assert.is(decodeJwt(published.admin.token ?? '').iss, 'https://portal.example.com');
  await published.admin.expect(200, 'getMe');
  const { db, now } = published.portal.services;
  const elsewhere = await createTokenService(db, published.portal.services.vault, now, 'https://other.example.com');
  assert.is(await elsewhere.verifyAccess(published.admin.token ?? ''), null);
  const { headers } = await published.anonymous.expect(302, 'authorizeOauth', { path: { provider: 'github' } });
  const location = new URL(headers.get('Location') ?? '');
  assert.equal([location.origin, location.pathname], ['https://github.com', '/login/oauth/authorize']);
  assert.is(location.searchParams.get('redirect_uri'), 'https://portal.example.com/api/auth/oauth/github/callback');
  assert.ok(headers.getSetCookie().every((cookie) => cookie.includes('Secure')), 'https makes the cookie Secure');
});

/** A database with one key and a clock that can be turned. */
async function clockwork(): Promise<{ database: TestDatabase; clock: { at: number }; now: () => Date; service: () => Promise<TokenService>; rotate: () => Promise<void>; kids: () => Promise<string[]> }> {
  const own = await createTestDatabase();
  const clock = { at: Date.now() };
  const now = (): Date => new Date(clock.at);
  return {
    database: own, clock, now,
    service: () => createTokenService(own.db, vault, now),
    rotate: () => rotateSigningKeys({ db: own.db, vault, config, now }),
    kids: async () => (await sql<{ kid: string }>`SELECT kid FROM signing_keys ORDER BY signs_from`.execute(own.db)).rows.map((row) => row.kid),
  };
}
const CLAIMS = { userId: '00000000-0000-4000-8000-000000000001', sessionId: '00000000-0000-4000-8000-000000000002' };
const kidOf = (issued: string): string => decodeProtectedHeader(issued).kid ?? '';

const rotation = suite('rotation');
rotation('a key signs for thirty days; its successor is published before it signs; the old one is trusted until its last token has expired', async () => {
  const { clock, service, rotate, kids, database: own } = await clockwork();
  const tokens = await service();
  clock.at += 30 * DAY_MS;
  await rotate();
  assert.is((await kids()).length, 1, 'thirty days and no more');
  clock.at += 1;
  await rotate();
  const [old = '', next = ''] = await kids();
  assert.is.not(next, '');
  tokens.keysChanged();
  assert.is((await tokens.publicKeys()).length, 2);
  const last = await tokens.issueAccess(CLAIMS, 86_400);
  assert.is(kidOf(last), old, 'the new key is not used yet');
  clock.at += PUBLISHED_BEFORE_MS;
  const first = await tokens.issueAccess(CLAIMS, 86_400);
  assert.is(kidOf(first), next, 'though this process was told nothing');
  for (const issued of [last, first]) assert.is((await tokens.verifyAccess(issued))?.userId, CLAIMS.userId);
  clock.at += DAY_MS - PUBLISHED_BEFORE_MS - 1000;
  assert.is((await tokens.verifyAccess(last))?.userId, CLAIMS.userId, 'nobody is logged out');
  await rotate();
  assert.is((await kids()).length, 2, 'the old key stays until its last token has expired');
  const lasting = await new SignJWT(decodeJwt(last)).setProtectedHeader({ alg: 'EdDSA', kid: old, typ: 'at+jwt' }).setExpirationTime(Math.floor(clock.at / 1000) + 10 * 86_400)
    .sign(await importJWK(await privateJwk(old, own), 'EdDSA'));
  assert.is((await tokens.verifyAccess(lasting))?.userId, CLAIMS.userId);
  clock.at += PUBLISHED_BEFORE_MS + 3_600_000;
  assert.is(await tokens.verifyAccess(lasting), null, 'a retired key is trusted no more, even in what was verified before');
  await rotate();
  assert.equal(await kids(), [next]);
  const { rows } = await sql<{ what: string }>`SELECT action || ' ' || target_id AS what FROM audit_log WHERE operation = 'rotate-signing-keys' ORDER BY id`.execute(own.db);
  assert.equal(rows.map(({ what }) => what), [`update ${old}`, `create ${next}`, `delete ${old}`]);
});
rotation('the worker looks for old keys by itself, once an hour', async () => {
  const { rows } = await sql<{ cron: string }>`SELECT cron FROM pgboss.schedule WHERE name = ${rotateSigningKeysJob.name}`.execute(database.db);
  assert.equal(rows.map(({ cron }) => cron), ['7 * * * *']);
  await rotateSigningKeysJob.run(portal.services, {}, new AbortController().signal);
  assert.is((await publicKeys()).keys.length, 1, 'the key is young');
});
rotation('several processes that rotate at once make one new key', async () => {
  const { clock, service, rotate, kids } = await clockwork();
  await service();
  clock.at += 31 * DAY_MS;
  await Promise.all(Array.from({ length: 4 }, () => rotate()));
  assert.is((await kids()).length, 2);
});
rotation('several first starts at once make one key', async () => {
  const { service, kids } = await clockwork();
  const services = await Promise.all(Array.from({ length: 4 }, () => service()));
  assert.is((await kids()).length, 1);
  const issued = await services[0]?.issueAccess(CLAIMS, 60);
  for (const one of services) assert.is((await one.verifyAccess(issued ?? ''))?.sessionId, CLAIMS.sessionId);
});
rotation('a process that nobody tells of a new key stops using the old one within a minute, and takes tokens of the new one', async () => {
  const { database: own, clock, now, service } = await clockwork();
  const [here, there] = [await service(), await service()];
  await sql`UPDATE signing_keys SET signs_until = ${now()}, trusted_until = ${new Date(clock.at + DAY_MS)}`.execute(own.db);
  const next = await generateKey(vault);
  await sql`INSERT INTO signing_keys (kid, algorithm, public_jwk, private_sealed, signs_from) VALUES (${next.kid}, ${next.algorithm}, ${JSON.stringify(next.publicJwk)}, ${next.privateSealed}, ${now()})`.execute(own.db);
  here.keysChanged();
  const issued = await here.issueAccess(CLAIMS, 60);
  assert.is(kidOf(issued), next.kid);
  assert.is((await there.verifyAccess(issued))?.userId, CLAIMS.userId, 'an unknown kid is looked up');
  clock.at += 60_001;
  assert.is(kidOf(await there.issueAccess(CLAIMS, 60)), next.kid);
});
rotation('a flood of tokens with unknown kids asks the database once', async () => {
  const { database: own, clock, now } = await clockwork();
  let queries = 0;
  const counting: KyselyPlugin = { transformQuery: ({ node }) => { queries += 1; return node; }, transformResult: ({ result }) => Promise.resolve(result) };
  const tokens = await createTokenService(own.db.withPlugin(counting), vault, now);
  const header = (name: string): string => Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: name, typ: 'at+jwt' })).toString('base64url');
  const flood = (): Promise<unknown> => Promise.all(Array.from({ length: 500 }, (_, index) => tokens.verifyAccess(`${header(`unknown-${index}`)}.e30.AAAA`)));
  queries = 0;
  await flood();
  await flood();
  assert.is(queries, 1);
  clock.at += 10_001;
  await flood();
  assert.is(queries, 2);
});
rotation('keys that another master key sealed stop the start with words that say so', async () => {
  const { database: own, now, service } = await clockwork();
  await service();
  await sql`UPDATE signing_keys SET private_sealed = ${Buffer.alloc(64, 1)}`.execute(own.db);
  await createTokenService(own.db, vault, now).then(() => assert.unreachable(), (error: unknown) => assert.match(String(error), /SECRET_KEY/));
});
rotation('when all keys are removed since one has leaked, no token lives on in any cache, and log-ins go on with a new key', async () => {
  const client = await anonymous.signIn(ADMIN.email, ADMIN.password);
  await client.expect(200, 'getMe');
  await sql`DELETE FROM signing_keys`.execute(database.db);
  const deadline = Date.now() + 5_000; // the database tells the portal; nothing here does
  let status = 200;
  while (status === 200 && Date.now() < deadline) ({ status } = await client.call('getMe'));
  assert.is(status, 401);
  const again = await anonymous.signIn(ADMIN.email, ADMIN.password);
  await again.expect(200, 'getMe');
  assert.is.not(kidOf(again.token ?? ''), kid);
  assert.equal((await publicKeys()).keys.map((key) => key.kid), [kidOf(again.token ?? '')]);
});

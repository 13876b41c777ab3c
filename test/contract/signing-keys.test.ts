/** Keys that sign access tokens: published, rotated, distrusted. (Tokens that are not ours: access-tokens.test.ts) */
import * as assert from 'uvu/assert';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, importJWK, jwtVerify, SignJWT, type JSONWebKeySet } from 'jose';
import { sql, type KyselyPlugin } from 'kysely';
import { createTokenService, type TokenService } from '../../src/domain/auth/tokens.ts';
import { PUBLISHED_BEFORE_MS, rotateSigningKeys } from '../../src/domain/auth/rotate-keys.ts';
import { generateKey } from '../../src/domain/auth/signing-keys.ts';
import { rotateSigningKeysJob } from '../../src/jobs/rotate-signing-keys.ts';
import { isRecord } from '../../src/core/values.ts';
import { member } from '../support/contract.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { ADMIN, startTestPortal } from '../support/portal.ts';
import { privateJwk } from '../support/signing-keys.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin, database } = await startTestPortal();
const { vault, config } = portal.services;
const token = admin.token ?? '';
const { kid = '' } = decodeProtectedHeader(token);
const DAY_MS = 86_400_000;
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
    .sign(await importJWK(await privateJwk({ db: own.db, vault }, old), 'EdDSA'));
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

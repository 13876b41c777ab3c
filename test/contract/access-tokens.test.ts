/** Access tokens: those that are not ours, or not as we make them, are refused, each for its one fault. (Keys: signing-keys.test.ts) */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import * as assert from 'uvu/assert';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWK } from 'jose';
import { createTokenService } from '../../src/domain/auth/tokens.ts';
import { startTestPortal } from '../support/portal.ts';
import { privateJwk } from '../support/signing-keys.ts';
import { suite } from '../support/suite.ts';

const { portal, anonymous, admin } = await startTestPortal();
const token = admin.token ?? '';
const { kid = '' } = decodeProtectedHeader(token);

interface Forgery {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  key?: JWK;
  alg?: string;
}

/** A token like the admin's, but for what is given. */
async function forge({ header = {}, claims = {}, key, alg = 'EdDSA' }: Forgery): Promise<string> {
  const signer = await importJWK(key ?? (await privateJwk(portal.services, kid)), 'EdDSA');
  return new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header }).sign(signer);
}

const isGood = async (candidate: string): Promise<boolean> => (await anonymous.as(candidate).call('getMe')).status === 200;

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
    return `${signed}.${sign(null, Buffer.from(signed), createPrivateKey({ key: { ...(await privateJwk(portal.services, kid)) }, format: 'jwk' })).toString('base64url')}`;
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
  const [jwk] = await portal.services.tokens.publicKeys();
  assert.ok(jwk !== undefined);
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  for (const secret of [pem.export({ type: 'spki', format: 'pem' }), pem.export({ type: 'spki', format: 'der' }), Buffer.from(jwk.x, 'base64url'), JSON.stringify(jwk)]) {
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

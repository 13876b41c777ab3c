/** Settings of identity providers, and what their failures tell the log. */
import * as assert from 'uvu/assert';
import { ConfigError, loadConfig } from '../../src/config.ts';
import { isOwnPath } from '../../src/domain/auth/oauth-transaction.ts';
import { reasonOf } from '../../src/integrations/identity/sign-in.ts';
import { suite } from '../support/suite.ts';

const settings = suite('settings of identity providers');
settings('none is configured by default', () => {
  assert.equal(loadConfig({}).IDENTITY_PROVIDERS, []);
});
settings('GitHub, Google and issuers by name', () => {
  const { IDENTITY_PROVIDERS: found } = loadConfig({
    GITHUB_CLIENT_ID: 'a', GITHUB_CLIENT_SECRET: 'b', GOOGLE_CLIENT_ID: 'c', GOOGLE_CLIENT_SECRET: 'd',
    OIDC_MY_CORP_ISSUER: 'https://id.example.com/realms/my', OIDC_MY_CORP_CLIENT_ID: 'e', OIDC_MY_CORP_CLIENT_SECRET: 'f',
  });
  assert.equal(found, [
    { kind: 'github', name: 'github', url: 'https://github.com', apiUrl: 'https://api.github.com', clientId: 'a', clientSecret: 'b' },
    { kind: 'google', name: 'google', issuer: 'https://accounts.google.com', clientId: 'c', clientSecret: 'd' },
    { kind: 'oidc', name: 'my-corp', issuer: 'https://id.example.com/realms/my', clientId: 'e', clientSecret: 'f' },
  ]);
});
settings('an Enterprise Server has its API beside it', () => {
  const [github] = loadConfig({ GITHUB_URL: 'https://git.example.com/', GITHUB_CLIENT_ID: 'a', GITHUB_CLIENT_SECRET: 'b' }).IDENTITY_PROVIDERS;
  assert.ok(github?.kind === 'github');
  assert.equal([github.url, github.apiUrl], ['https://git.example.com', 'https://git.example.com/api/v3']);
});
settings('plain http is for this machine, or where it is allowed', () => {
  const issuer = (url: string, more: Record<string, string> = {}) => () => loadConfig({ OIDC_X_ISSUER: url, OIDC_X_CLIENT_ID: 'a', OIDC_X_CLIENT_SECRET: 'b', ...more });
  for (const url of ['http://127.0.0.1:9000', 'http://localhost', 'http://[::1]:9000']) assert.is(issuer(url)().IDENTITY_PROVIDERS.length, 1, url);
  for (const url of ['http://id.example.com', 'http://127.0.0.1.evil.example', 'http://localhost.evil.example']) assert.throws(issuer(url), /OIDC_X_ISSUER must be https.*OIDC_X_ALLOW_HTTP/);
  assert.is(issuer('http://id.example.com', { OIDC_X_ALLOW_HTTP: 'true' })().IDENTITY_PROVIDERS.length, 1);
});
settings('every wrong variable is named at once, and no secret with it', () => {
  const secret = 'a secret with spaces';
  try {
    loadConfig({
      GITHUB_CLIENT_ID: 'a', GITHUB_URL: 'ftp://git.example.com', GOOGLE_CLIENT_SECRET: secret, OIDC_A_ISSUER: 'https://user:pass@id.example.com', OIDC_B_CLIENT_ID: 'b',
      OIDC_C_CLIENTID: 'c', OIDC_GITHUB_ISSUER: 'https://x.example', OIDC_D_ISSUER: 'https://d.example?x=1', OIDC_E_ALLOW_HTTP: 'yes', [`OIDC_${'X'.repeat(33)}_ISSUER`]: 'https://x.example',
    });
    assert.unreachable();
  } catch (error) {
    const message = error instanceof ConfigError ? error.message : '';
    for (const name of ['GITHUB_CLIENT_SECRET is missing', 'GITHUB_URL must be', 'GOOGLE_CLIENT_ID is missing', 'GOOGLE_CLIENT_SECRET must be', 'OIDC_A_ISSUER must not hold', 'OIDC_A_CLIENT_ID is missing', 'OIDC_B_ISSUER is missing',
      'OIDC_C_CLIENTID is not known', 'OIDC_GITHUB_ISSUER has the name of a built-in', 'OIDC_D_ISSUER must be', 'OIDC_E_ALLOW_HTTP must be true or false', 'longer than 32']) assert.ok(message.includes(name), `${name} in ${message}`);
    assert.not.ok(message.includes(secret) || message.includes('user:pass'));
  }
});

const paths = suite('isOwnPath');
paths('paths of the portal, and nothing that leads elsewhere', () => {
  for (const path of ['/', '/projects', '/a/b?next=https://x.example//y#z', '/a%20b', '/@evil.example']) assert.ok(isOwnPath(path), path);
  for (const path of ['', 'a', '//x.example', '/\\x.example', '\\\\x.example', '/a\\b', '/%2Fx.example', '/%5cx.example', '/a//b', 'https://x.example', '/a b', '/a\n', '/\t/x.example', '/ä']) assert.not.ok(isOwnPath(path), path);
});

const reasons = suite('reasonOf');
reasons('names errors, codes and causes, but none of what they carry', () => {
  const inner = Object.assign(new Error('unexpected claim', { cause: { claims: { email: 'ada@example.com' }, id_token: 'eyJ.secret' } }), { code: 'OAUTH_JWT_CLAIM' });
  const reason = reasonOf(Object.assign(new Error('invalid response', { cause: inner }), { error: 'invalid_grant', body: 'secret' }));
  assert.is(reason, 'Error: invalid response (invalid_grant) <- Error OAUTH_JWT_CLAIM: unexpected claim');
  assert.is(reasonOf('text'), 'unknown');
});

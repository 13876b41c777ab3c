/** OpenID Connect issuers, Google among them: discovery, PKCE, nonce, and ID tokens whose signature is checked. */
import * as client from 'openid-client';
import type { OidcSettings } from '../../config.ts';
import { textOf } from '../../core/values.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { answeredUrl, checkedSubject, IdentityProviderError, type ExternalIdentity, type IdentityProvider } from './sign-in.ts';

const SCOPE = 'openid email profile';
/** Issuers change their endpoints and keys rarely; keys that are unknown are looked up in between. */
const DISCOVERY_MAX_AGE_MS = 3_600_000;

export function createOidc({ kind, name, issuer, clientId, clientSecret }: OidcSettings, timeoutSeconds: number): IdentityProvider {
  let discovered: { at: number; configuration: Promise<client.Configuration> } | null = null;
  /** Looked up once for all who ask; a failure is forgotten, so that the next one asks again. */
  const configuration = (): Promise<client.Configuration> => {
    if (discovered === null || Date.now() - discovered.at > DISCOVERY_MAX_AGE_MS) {
      const asked = { at: Date.now(), configuration: discover(issuer, clientId, clientSecret, timeoutSeconds) };
      asked.configuration.catch(() => {
        if (discovered === asked) discovered = null;
      });
      discovered = asked;
    }
    return discovered.configuration;
  };
  return {
    name,
    kind,
    authorizationUrl: async ({ redirectUri, state, nonce, verifier }) =>
      client.buildAuthorizationUrl(await configuration(), {
        redirect_uri: redirectUri, scope: SCOPE, state, nonce, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      }).href,
    identify: async (signIn, answer) => {
      const found = await configuration();
      const tokens = await client.authorizationCodeGrant(found, answeredUrl(signIn, answer), {
        pkceCodeVerifier: signIn.verifier, expectedState: signIn.state, expectedNonce: signIn.nonce, idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new IdentityProviderError('no ID token');
      return identityOf(found, claims, tokens.access_token);
    },
  };
}

function discover(issuer: string, clientId: string, clientSecret: string, timeoutSeconds: number): Promise<client.Configuration> {
  const post = client.ClientSecretPost(clientSecret);
  const basic = client.ClientSecretBasic(clientSecret);
  const methodFor: client.ClientAuth = (server, ...rest) => (server.token_endpoint_auth_methods_supported?.includes('client_secret_post') === true ? post : basic)(server, ...rest);
  const insecure = new URL(issuer).protocol === 'http:'; // the settings allow that for loopback, or where they say so
  return client.discovery(new URL(issuer), clientId, clientSecret, methodFor, {
    [client.customFetch]: boundedFetch(timeoutSeconds), timeout: timeoutSeconds,
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated so that it stands out
    execute: [client.enableNonRepudiationChecks, ...(insecure ? [client.allowInsecureRequests] : [])],
  });
}

/** The address may stand in the ID token, or only in the user info; it and its being verified come from the same of the two. */
async function identityOf(found: client.Configuration, claims: client.IDToken, accessToken: string): Promise<ExternalIdentity> {
  const { issuer, userinfo_endpoint: endpoint } = found.serverMetadata();
  const complete = (claims['email'] !== undefined && claims['email_verified'] !== undefined) || endpoint === undefined;
  const person: Record<string, unknown> = complete ? claims : { name: claims['name'], ...(await client.fetchUserInfo(found, accessToken, claims.sub)) };
  return {
    issuer,
    subject: checkedSubject(claims.sub),
    email: textOf(person['email']),
    emailVerified: person['email_verified'] === true || person['email_verified'] === 'true', // some issuers send it as text
    fullName: textOf(person['name']),
  };
}

/** GitHub, hosted or Enterprise: OAuth 2 without OpenID Connect; the REST API says who it is and which address is verified. */
import * as client from 'openid-client';
import type { GithubSettings } from '../../config.ts';
import { isRecord } from '../../core/values.ts';
import { boundedFetch } from './bounded-fetch.ts';
import { answeredUrl, checkedSubject, IdentityProviderError, type IdentityProvider } from './sign-in.ts';

const SCOPE = 'read:user user:email';
const API_VERSION = '2022-11-28';

export function createGithub({ url, apiUrl, clientId, clientSecret }: GithubSettings, timeoutSeconds: number): IdentityProvider {
  const issuer = `${url}/login/oauth`;
  const server = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/access_token` };
  const configuration = new client.Configuration(server, clientId, clientSecret, client.ClientSecretPost(clientSecret));
  const fetchBounded = boundedFetch(timeoutSeconds);
  configuration[client.customFetch] = fetchBounded;
  configuration.timeout = timeoutSeconds;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated so that it stands out; the settings allow http for loopback only
  if ([url, apiUrl].some((address) => address.startsWith('http:'))) client.allowInsecureRequests(configuration);

  const ask = async (path: string, accessToken: string): Promise<unknown> => {
    const response = await fetchBounded(`${apiUrl}${path}`, {
      method: 'GET', body: undefined, redirect: 'manual',
      headers: { Authorization: `Bearer ${accessToken}`, Accept: 'application/vnd.github+json', 'User-Agent': 'sca-portal', 'X-GitHub-Api-Version': API_VERSION },
    });
    if (response.status !== 200) throw new IdentityProviderError(`GET ${path} answered ${response.status}`);
    return response.json();
  };
  return {
    name: 'github',
    kind: 'github',
    authorizationUrl: async ({ redirectUri, state, verifier }) =>
      client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri, scope: SCOPE, state, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
      }).href,
    identify: async (signIn, answer) => {
      const { access_token: accessToken } = await client.authorizationCodeGrant(configuration, answeredUrl(signIn, answer), { pkceCodeVerifier: signIn.verifier, expectedState: signIn.state });
      const user = await ask('/user', accessToken);
      if (!isRecord(user) || !Number.isSafeInteger(user['id'])) throw new IdentityProviderError('GET /user names no id');
      const email = primaryEmail(await ask('/user/emails', accessToken));
      const name = user['name'] ?? user['login'];
      return { issuer, subject: checkedSubject(String(user['id'])), email: email.address, emailVerified: email.verified, fullName: typeof name === 'string' ? name : null };
    },
  };
}

/** The `email` of GET /user is what the user shows to the world, and says nothing of being verified. */
function primaryEmail(emails: unknown): { address: string | null; verified: boolean } {
  const primary = Array.isArray(emails) ? emails.filter(isRecord).find((entry) => entry['primary'] === true) : undefined;
  const address = primary?.['email'];
  return { address: typeof address === 'string' ? address : null, verified: primary?.['verified'] === true };
}

/** Identity providers on loopback: a real OpenID Connect issuer, a small GitHub, and servers that misbehave; and a browser to visit them. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { isRecord } from '../../src/core/values.ts';
import { atEnd } from './suite.ts';

/** A server on loopback that ends with the file; `handle` may be given later. */
export async function startServer(handle?: RequestListener): Promise<{ url: string; handle: (listener: RequestListener) => void }> {
  let listener = handle;
  const server = createServer((request, response) => listener?.(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address: AddressInfo | string | null = server.address();
  return { url: `http://127.0.0.1:${isRecord(address) ? String(address.port) : ''}`, handle: (next) => { listener = next; } };
}

export interface Person {
  sub: string;
  email?: string | undefined;
  email_verified?: boolean | undefined;
  name?: string;
}

export const CLIENT = { id: 'portal', secret: 'a-client-secret-of-the-tests' };

export interface TestIssuer {
  /** Who logs in next; null for somebody who declines. */
  person: Person | null;
  /** The portal's callback; only then can anyone log in. */
  open: (redirectUri: string, options?: { claimsInIdToken?: boolean }) => Promise<void>;
  url: string;
}

/** oidc-provider, which demands PKCE and asks nobody for a password. */
export async function startIssuer(): Promise<TestIssuer> {
  const server = await startServer();
  const issuer: TestIssuer = {
    url: server.url,
    person: null,
    open: async (redirectUri, { claimsInIdToken = false } = {}) => {
      const { privateKey } = await generateKeyPair('RS256', { extractable: true });
      const people = new Map<string, Person>();
      const provider = new Provider(server.url, {
        clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [redirectUri], token_endpoint_auth_method: 'client_secret_post' }],
        jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'test' }] },
        cookies: { keys: ['the tests sign cookies with this'] },
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
        conformIdTokenClaims: !claimsInIdToken,
        pkce: { required: () => true },
        features: { devInteractions: { enabled: false } },
        interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
        findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...people.get(sub), sub }) }),
        loadExistingGrant: async (ctx) => {
          const grant = new ctx.oidc.provider.Grant({ accountId: ctx.oidc.session?.accountId ?? '', clientId: CLIENT.id });
          grant.addOIDCScope('openid email profile');
          await grant.save();
          return grant;
        },
      });
      const answer = provider.callback();
      server.handle((request, response) => {
        if (request.url?.startsWith('/interaction/') !== true) return void answer(request, response);
        const { person } = issuer;
        if (person !== null) people.set(person.sub, person);
        void provider.interactionFinished(request, response, person === null ? { error: 'access_denied' } : { login: { accountId: person.sub } });
      });
    },
  };
  return issuer;
}

export interface GithubPerson {
  id: number;
  login: string;
  name?: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
}

/** Authorisation, token and the two API calls, with the client secret and PKCE checked as GitHub does. */
export async function startGithub(): Promise<{ url: string; person: GithubPerson }> {
  const codes = new Map<string, { challenge: string; redirectUri: string }>();
  const json = (response: ServerResponse, status: number, body: unknown): void => void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  const github: { url: string; person: GithubPerson } = { url: '', person: { id: 0, login: 'nobody', emails: [] } };
  const trade = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const sent = new URLSearchParams(await text(request));
    const code = codes.get(sent.get('code') ?? '');
    codes.delete(sent.get('code') ?? '');
    const challenge = createHash('sha256').update(sent.get('code_verifier') ?? '').digest('base64url');
    const good = code !== undefined && code.challenge === challenge && code.redirectUri === sent.get('redirect_uri') && sent.get('client_id') === CLIENT.id && sent.get('client_secret') === CLIENT.secret;
    json(response, 200, good ? { access_token: 'gho_of_the_tests', token_type: 'bearer', scope: 'read:user,user:email' } : { error: 'bad_verification_code' });
  };
  const server = await startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://github');
    const api = request.headers.authorization === 'Bearer gho_of_the_tests';
    if (pathname === '/login/oauth/authorize') {
      const code = crypto.randomUUID();
      codes.set(code, { challenge: searchParams.get('code_challenge') ?? '', redirectUri: searchParams.get('redirect_uri') ?? '' });
      const query = new URLSearchParams({ code, state: searchParams.get('state') ?? '' });
      response.writeHead(302, { Location: `${searchParams.get('redirect_uri') ?? ''}?${query.toString()}` }).end();
    } else if (pathname === '/login/oauth/access_token') void trade(request, response);
    else if (pathname === '/api/v3/user' && api) json(response, 200, { id: github.person.id, login: github.person.login });
    else if (pathname === '/api/v3/user/emails' && api) json(response, 200, github.person.emails);
    else json(response, 404, { message: 'Not Found' });
  });
  github.url = server.url;
  return github;
}

/** Follows redirects, cookies in hand, until one leads to `end`; returns that address. */
export async function browse(from: string, end: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = from;
  for (let step = 0; step < 10; step += 1) {
    const response = await fetch(url, { redirect: 'manual', headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') } });
    await response.body?.cancel();
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('Location');
    if (location === null) throw new Error(`${url} answered ${response.status} and leads nowhere`);
    url = new URL(location, url).href;
    if (url.startsWith(end)) return new URL(url);
  }
  throw new Error(`too many redirects, the last to ${url}`);
}

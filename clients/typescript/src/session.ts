/**
 * Who the client is: an API key, or a user whose access token is renewed by the refresh cookie. Node's fetch keeps no cookies, so that the
 * refresh token is kept here. It is spent by its first use, and a spent one ends the session: hence one renewal at a time.
 */
import { isRecord, problemOf } from './problem.ts';

export type Credential =
  | { apiKey: string }
  | { email: string; password: string }
  /** @param refreshToken value of the cookie `refresh_token`; without it the client is out when the token expires */
  | { accessToken: string; refreshToken?: string }
  /** For what is public. */
  | { anonymous: true };

/** Sends without a credential, again where that helps. */
export type Post = (path: string, init: { headers?: Record<string, string>; body?: string }) => Promise<Response>;

export interface Session {
  /** API keys need no renewal; who is anonymous follows no scan. */
  readonly kind: 'api-key' | 'user' | 'anonymous';
  /** What goes behind `Bearer`; logs in where there is none yet, and renews one that has expired. */
  token: () => Promise<string | null>;
  /** A token instead of `refused`, which was 401; null where there is no other. Requests that ask at once share one renewal. */
  renew: (refused: string) => Promise<string | null>;
  /** Ends the session of a user at the portal. */
  end: () => Promise<void>;
}

const COOKIE = 'refresh_token';
/** Tokens are renewed so long before they expire, so that no upload begins with one that will not last. */
const MARGIN_MS = 3_000;
/** What the portal says of a refresh token that is good no more. */
const UNAUTHORIZED = 401;

/** @param now milliseconds; only differences count */
export function createSession(credential: Credential, post: Post, now: () => number): Session {
  if ('apiKey' in credential) return fixed('api-key', credential.apiKey);
  if ('anonymous' in credential) return fixed('anonymous', null);
  const login = 'email' in credential ? { email: credential.email, password: credential.password } : null;
  let current = 'accessToken' in credential ? credential.accessToken : null;
  let refreshToken = 'accessToken' in credential ? (credential.refreshToken ?? null) : null;
  let expiresAt = Infinity;
  let flight: Promise<string | null> | null = null;

  const keep = async (response: Response): Promise<string> => {
    const body: unknown = await response.json();
    if (!isRecord(body) || typeof body['access_token'] !== 'string' || typeof body['expires_in'] !== 'number') throw new TypeError('The portal answered a log-in without a token.');
    current = body['access_token'];
    expiresAt = now() + body['expires_in'] * 1000 - MARGIN_MS;
    refreshToken = cookieValue(response.headers.getSetCookie()) ?? refreshToken;
    return current;
  };
  const refresh = async (): Promise<string | null> => {
    if (refreshToken === null) return null;
    const response = await post('/auth/refresh', { headers: { Cookie: `${COOKIE}=${refreshToken}` } });
    if (response.ok) return keep(response);
    if (response.status !== UNAUTHORIZED) throw await problemOf(response);
    await response.body?.cancel();
    refreshToken = null;
    return null;
  };
  const logIn = async (): Promise<string | null> => {
    if (login === null) return null;
    const response = await post('/auth/login', { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(login) });
    if (!response.ok) throw await problemOf(response);
    return keep(response);
  };
  /** All who come while it runs get what comes of it. */
  const obtain = (): Promise<string | null> => {
    flight ??= (async () => (await refresh()) ?? (await logIn()))().finally(() => {
      flight = null;
    });
    return flight;
  };

  return {
    kind: 'user',
    token: async () => (current !== null && now() < expiresAt ? current : ((await obtain()) ?? current)),
    renew: async (refused) => (current !== null && current !== refused ? current : obtain()),
    end: async () => {
      const token = refreshToken;
      current = null;
      refreshToken = null;
      if (token === null) return;
      const response = await post('/auth/logout', { headers: { Cookie: `${COOKIE}=${token}` } });
      if (!response.ok) throw await problemOf(response);
    },
  };
}

function fixed(kind: 'api-key' | 'anonymous', token: string | null): Session {
  return { kind, token: () => Promise.resolve(token), renew: () => Promise.resolve(null), end: () => Promise.resolve() };
}

/** The refresh token among Set-Cookie headers. */
export function cookieValue(headers: readonly string[]): string | null {
  for (const header of headers) {
    const [pair = ''] = header.split(';');
    const [name = '', ...value] = pair.split('=');
    if (name.trim() === COOKIE && value.join('=') !== '') return value.join('=').trim();
  }
  return null;
}

/** The shapes that providers of all kinds share. */

/** One log-in on its way: what the browser leaves with, and what must come back. */
export interface SignIn {
  redirectUri: string;
  state: string;
  nonce: string;
  /** PKCE code verifier (RFC 7636). */
  verifier: string;
}

/** What came back in the browser's query. */
export interface ProviderAnswer {
  code: string;
  state: string;
  /** RFC 9207. */
  iss: string | undefined;
}

export interface ExternalIdentity {
  /** Whose subjects these are. */
  issuer: string;
  /** The user's id there: 1 to 255 printable characters. */
  subject: string;
  email: string | null;
  /** Whether the provider says that the address is the user's. */
  emailVerified: boolean;
  fullName: string | null;
}

export interface IdentityProvider {
  name: string;
  kind: 'github' | 'google' | 'oidc';
  /** The page to send the browser to. Rejects where the provider does not answer. */
  authorizationUrl: (signIn: SignIn) => Promise<string>;
  /** Trades the code for the identity. Rejects where anything about the answer is not as it must be. */
  identify: (signIn: SignIn, answer: ProviderAnswer) => Promise<ExternalIdentity>;
}

/** The provider gave something that we do not take. */
export class IdentityProviderError extends Error {}

/** The redirect URI as the browser came back to it, with only the parameters that count. */
export function answeredUrl({ redirectUri }: SignIn, { code, state, iss }: ProviderAnswer): URL {
  const url = new URL(redirectUri);
  url.search = new URLSearchParams({ code, state, ...(iss === undefined ? {} : { iss }) }).toString();
  return url;
}

/** @throws IdentityProviderError for a subject that cannot be one */
export function checkedSubject(subject: string): string {
  if (!/^[\x20-\x7e]{1,255}$/.test(subject)) throw new IdentityProviderError('the subject is not 1 to 255 printable ASCII characters');
  return subject;
}

/** For the log: names, codes and messages of an error and its causes, but none of what they carry (tokens, claims, bodies). */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  for (let one: unknown = error; one instanceof Error && parts.length < 4; one = one.cause) {
    const code = 'code' in one && typeof one.code === 'string' ? ` ${one.code}` : '';
    const answer = 'error' in one && typeof one.error === 'string' ? ` (${one.error.slice(0, 100)})` : '';
    parts.push(`${one.name}${code}: ${one.message.slice(0, 300)}${answer}`);
  }
  return parts.length === 0 ? 'unknown' : parts.join(' <- ');
}

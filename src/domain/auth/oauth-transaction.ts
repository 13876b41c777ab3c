/** A log-in on its way to an identity provider and back. It travels sealed in a cookie, so that it belongs to one browser. */
import { timingSafeEqual } from 'node:crypto';
import { isRecord } from '../../core/values.ts';
import type { Vault } from '../../core/vault.ts';
import { digest, newToken } from './one-time-token.ts';

/** Time to log in at the provider. */
export const TRANSACTION_TTL_SECONDS = 300;

export interface OauthTransaction {
  provider: string;
  state: string;
  nonce: string;
  /** PKCE code verifier: 43 characters (RFC 7636, 4.1). */
  verifier: string;
  redirectAfter: string | null;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Tells this use of the vault from any other. */
const USE = 'oauth_state';

export function newTransaction(provider: string, redirectAfter: string | null, now: Date): OauthTransaction {
  return { provider, state: newToken(), nonce: newToken(), verifier: newToken(), redirectAfter, expiresAt: now.getTime() + TRANSACTION_TTL_SECONDS * 1000 };
}

export function sealTransaction(vault: Vault, transaction: OauthTransaction): string {
  return vault.seal(JSON.stringify({ use: USE, ...transaction })).toString('base64url');
}

/** null for what we did not seal, or not for this. Whether it has expired is for the caller. */
export function openTransaction(vault: Vault, sealed: string | undefined): OauthTransaction | null {
  if (sealed === undefined) return null;
  try {
    const opened: unknown = JSON.parse(vault.open(Buffer.from(sealed, 'base64url')));
    if (!isRecord(opened) || opened['use'] !== USE) return null;
    const { provider, state, nonce, verifier, redirectAfter, expiresAt } = opened;
    if (typeof provider !== 'string' || typeof state !== 'string' || typeof nonce !== 'string' || typeof verifier !== 'string' || typeof expiresAt !== 'number') return null;
    return { provider, state, nonce, verifier, redirectAfter: typeof redirectAfter === 'string' ? redirectAfter : null, expiresAt };
  } catch {
    return null;
  }
}

export const sameText = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/**
 * A path of the portal: it cannot lead a browser elsewhere. The contract's pattern says the same; this one also asks the rules by which
 * browsers read addresses.
 */
export function isOwnPath(path: string): boolean {
  if (!/^\/[\x21-\x7e]*$/.test(path) || path.includes('\\') || /^\/(%2f|%5c)/i.test(path) || (path.split(/[?#]/)[0] ?? '').includes('//')) return false;
  const base = 'https://portal.invalid';
  return URL.canParse(path, base) && new URL(path, base).origin === base;
}

/** Password hashing: Argon2id with OWASP's parameters, off the event loop, few at a time. */
import { hash, verify } from '@node-rs/argon2';
import { DomainError } from '../../core/errors.ts';
import { createTurnstile } from '../../core/turnstile.ts';

/** 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). */
const PARAMETERS = { algorithm: 2 /* Argon2id */, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Two at a time hold 38 MiB, and leave two of libuv's four threads to files and name look-ups. */
const AT_ONCE = 2;
/** About two seconds of work; whoever comes then is told to come back. A flood costs memory for neither. */
const WAITING = 64;

const turnstile = createTurnstile(AT_ONCE, WAITING, () => new DomainError('unavailable', 'Too many passwords are being checked at the moment. Try again.', { retryAfter: 2 }));

/** Throws unavailable where too many wait already. */
export function hashPassword(password: string): Promise<string> {
  return turnstile.pass(() => hash(password.normalize('NFKC'), PARAMETERS));
}

/** A hash of nothing that anyone knows: checked where there is no account, so that both take the same time. */
const decoy = hash(`decoy ${Math.random()}`, PARAMETERS);

/** Checks in about the same time whether or not there is a hash to check against. Throws unavailable where too many wait already. */
export async function checkPassword(password: string, passwordHash: string | null): Promise<boolean> {
  const matches = await turnstile.pass(async () => verify(passwordHash ?? (await decoy), password.normalize('NFKC'), PARAMETERS));
  return matches && passwordHash !== null;
}

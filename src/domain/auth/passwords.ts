/** Password hashing: Argon2id with OWASP's parameters, off the event loop. */
import { hash, verify } from '@node-rs/argon2';

/** 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). */
const PARAMETERS = { algorithm: 2 /* Argon2id */, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFKC'), PARAMETERS);
}

/** A hash of nothing that anyone knows: checked where there is no account, so that both take the same time. */
const decoy = hashPassword(`decoy ${Math.random()}`);

/** Checks in about the same time whether or not there is a hash to check against. */
export async function checkPassword(password: string, passwordHash: string | null): Promise<boolean> {
  const matches = await verify(passwordHash ?? (await decoy), password.normalize('NFKC'), PARAMETERS);
  return matches && passwordHash !== null;
}

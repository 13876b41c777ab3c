/** Random tokens that are shown or mailed once and kept as SHA-256: they are random, a slow hash would add nothing. */
import { createHash, randomBytes } from 'node:crypto';

/** 256 bits, 43 characters of base64url. */
export const newToken = (): string => randomBytes(32).toString('base64url');

export const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** E-mail addresses in counters: of one length, and not to be read there. */
import { createHash } from 'node:crypto';

export const addressKey = (email: string): string => createHash('sha256').update(email).digest('base64url');

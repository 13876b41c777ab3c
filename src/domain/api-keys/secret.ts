/** The text of API keys: `tos_<8 hex>_<32 base64url>`. The prefix names the key; the secret has 192 bits of randomness. */
import { randomBytes } from 'node:crypto';
import type { Vault } from '../../core/vault.ts';

const API_KEY = /^tos_([0-9a-f]{8})_([A-Za-z0-9_-]{32})$/;

export function generateApiKey(): { text: string; prefix: string } {
  const prefix = randomBytes(4).toString('hex');
  return { prefix, text: `tos_${prefix}_${randomBytes(24).toString('base64url')}` };
}

/** Null where the text cannot be a key of ours. */
export function parseApiKey(text: string): { prefix: string } | null {
  const prefix = API_KEY.exec(text)?.[1];
  return prefix === undefined ? null : { prefix };
}

/** What is stored and looked up. Equality is decided by the database on a keyed hash, so its timing tells nothing of the secret. */
export const hashApiKey = (vault: Vault, text: string): Buffer => vault.mac('api-key', text);

/** Seals secrets at rest: AES-256-GCM under a key derived from the installation's master key. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

export interface Vault {
  /** version byte, 12 byte nonce, 16 byte tag, ciphertext. */
  seal: (plain: string) => Buffer;
  /** Throws where the master key is another one or the bytes were changed. */
  open: (sealed: Buffer) => string;
  /** HMAC-SHA-256 for one purpose: what is stored of random secrets, so that a copy of the database alone cannot check guesses. */
  mac: (purpose: string, text: string | Buffer) => Buffer;
}

const VERSION = 1;

export function createVault(masterKey: string): Vault {
  const key = Buffer.from(hkdfSync('sha256', masterKey, 'sca-portal', 'vault v1', 32));
  const macKey = Buffer.from(hkdfSync('sha256', masterKey, 'sca-portal', 'mac v1', 32));
  return {
    mac: (purpose, text) => createHmac('sha256', macKey).update(`${purpose}\n`).update(text).digest(),
    seal: (plain) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.getAuthTag(), text]);
    },
    open: (sealed) => {
      if (sealed[0] !== VERSION) throw new Error('sealed with an unknown version');
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13), { authTagLength: 16 });
      decipher.setAuthTag(sealed.subarray(13, 29));
      return Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()]).toString('utf8');
    },
  };
}

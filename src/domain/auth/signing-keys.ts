/** The keys that sign access tokens, as a process knows them: read from the database, where they lie sealed, and read again when they change. */
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { uuidv7 } from '../../core/ids.ts';
import type { Vault } from '../../core/vault.ts';
import type { Db } from '../../db/connect.ts';
import { insertSigningKey, trustedSigningKeys, type NewSigningKey, type SigningKeyRow } from '../../db/signing-keys.ts';

export const ALGORITHM = 'EdDSA';
/** The database tells of changes; without word from it keys are this old at most. */
const MAX_AGE_MS = 60_000;
/** Tokens with a name that nobody knows make us look again, but no more often than this, however many come. */
const LOOK_AGAIN_MS = 10_000;

export interface SigningKey extends Pick<SigningKeyRow, 'kid' | 'signsFrom' | 'signsUntil' | 'trustedUntil'> {
  publicJwk: JWK;
  publicKey: CryptoKey | Uint8Array;
  privateKey: CryptoKey | Uint8Array;
}

/** What others need to check what we signed. */
export interface PublicKey {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  kid: string;
  alg: typeof ALGORITHM;
  use: 'sig';
}

export const toPublicKey = ({ kid, publicJwk: { x = '' } }: Pick<SigningKeyRow, 'kid' | 'publicJwk'>): PublicKey => ({ kty: 'OKP', crv: 'Ed25519', x, kid, alg: ALGORITHM, use: 'sig' });

export interface KeyRing {
  /** The key that signs now; a new one where there is none. */
  current: () => Promise<SigningKey>;
  /** The key of this name, where it is trusted now. */
  find: (kid: string) => Promise<SigningKey | undefined>;
  trusted: () => Promise<SigningKey[]>;
  /** Grows with every reading that found other keys than before. */
  generation: () => number;
  /** The keys have changed, or may have: they are read again before their next use. */
  changed: () => void;
}

/** Makes a key where there is none: at the first start, or when all were removed since one had leaked. Several processes may do so at once. */
export async function openKeyRing(db: Db, vault: Vault, now: () => Date): Promise<KeyRing> {
  let keys: SigningKey[] = [];
  let generation = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  let lookedAgainAt = Number.NEGATIVE_INFINITY;
  let stale = true;
  let reading: Promise<void> | null = null;

  const time = (): number => now().getTime();
  const read = async (): Promise<void> => {
    stale = false; // what changes from here on may not be in what we read, and sets it again
    const at = time();
    try {
      const rows = await trustedSigningKeys(db, now());
      const found = await Promise.all(rows.map((row) => reopen(keys.find(({ kid }) => kid === row.kid), row, vault)));
      if (fingerprint(found) !== fingerprint(keys)) generation += 1;
      keys = found;
      readAt = at;
    } catch (error) {
      stale = true;
      throw error;
    }
  };
  /** One reading serves all who wait for it. */
  const readOnce = (): Promise<void> => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
  const refresh = async (): Promise<void> => {
    if (stale || time() - readAt > MAX_AGE_MS) await readOnce();
  };
  const trusted = (key: SigningKey): boolean => key.trustedUntil === null || key.trustedUntil > time();
  const signs = (key: SigningKey): boolean => trusted(key) && key.signsFrom <= time() && (key.signsUntil === null || key.signsUntil > time());

  const current = async (): Promise<SigningKey> => {
    await refresh();
    const find = (): SigningKey | undefined => keys.find(signs) ?? keys.find(trusted); // newest first; a clock that is behind may know only the key to come
    if (find() === undefined) {
      await insertSigningKey(db, await generateKey(vault), now());
      await readOnce();
    }
    const key = find();
    if (key === undefined) throw new Error('there is no key to sign with');
    return key;
  };
  await current();
  return {
    current,
    find: async (kid) => {
      await refresh();
      const lookup = (): SigningKey | undefined => keys.find((key) => key.kid === kid && trusted(key));
      if (lookup() === undefined && time() - lookedAgainAt > LOOK_AGAIN_MS) {
        lookedAgainAt = time();
        await readOnce();
      }
      return lookup();
    },
    trusted: async () => {
      await refresh();
      return keys.filter(trusted);
    },
    generation: () => generation,
    changed: () => {
      stale = true;
    },
  };
}

export async function generateKey(vault: Vault): Promise<NewSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { kid: uuidv7(), algorithm: ALGORITHM, publicJwk: await exportJWK(publicKey), privateSealed: vault.seal(JSON.stringify(await exportJWK(privateKey))) };
}

const fingerprint = (keys: readonly SigningKey[]): string => keys.map(({ kid, signsUntil, trustedUntil }) => `${kid} ${signsUntil ?? ''} ${trustedUntil ?? ''}`).join();

/** Opens only what is not open yet: the halves of a key never change. */
async function reopen(known: SigningKey | undefined, row: SigningKeyRow, vault: Vault): Promise<SigningKey> {
  const { kid, signsFrom, signsUntil, trustedUntil, publicJwk, algorithm } = row;
  if (known !== undefined) return { ...known, signsFrom, signsUntil, trustedUntil };
  return { kid, signsFrom, signsUntil, trustedUntil, publicJwk, publicKey: await importJWK(publicJwk, algorithm), privateKey: await importJWK(openPrivate(row, vault), algorithm) };
}

/** The private half. Throws where it was sealed with another master key. */
export function openPrivate({ privateSealed }: Pick<SigningKeyRow, 'privateSealed'>, vault: Vault): JWK {
  let text: string;
  try {
    text = vault.open(privateSealed);
  } catch (error) {
    throw new Error('The signing keys in the database were sealed with another master key. Set SECRET_KEY, or restore DATA_DIR/secret.key, as it was. To restore a backup that was made under another key, start with that key on an empty database.', { cause: error });
  }
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- sealed by us: what opens is what exportJWK gave
  const jwk: JWK = JSON.parse(text);
  return jwk;
}

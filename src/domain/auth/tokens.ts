/** Access tokens: JWTs signed with EdDSA by keys that live sealed in the database and rotate by `kid`. */
import { SignJWT, exportJWK, generateKeyPair, importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose';
import type { Db } from '../../db/connect.ts';
import { insertSigningKey, trustedSigningKeys, type SigningKeyRow } from '../../db/signing-keys.ts';
import type { Vault } from '../../core/vault.ts';
import { uuidv7 } from '../../core/ids.ts';

export interface AccessClaims {
  userId: string;
  sessionId: string;
}

export interface TokenService {
  /** A token for `ttlSeconds`. */
  issueAccess: (claims: AccessClaims, ttlSeconds: number) => Promise<string>;
  /** Its claims, or null where it is forged, expired, for another audience, or not ours. */
  verifyAccess: (token: string) => Promise<AccessClaims | null>;
}

const ALGORITHM = 'EdDSA';
const ISSUER = 'sca-portal';
const AUDIENCE = 'sca-portal-api';
const CLOCK_TOLERANCE_SECONDS = 5;
const KEYS_MAX_AGE_MS = 60_000;
const VERIFIED_ENTRIES = 10_000;

interface Key {
  kid: string;
  signs: boolean;
  publicKey: CryptoKey | Uint8Array;
  privateKey: CryptoKey | Uint8Array;
}

/** Makes the first key where there is none; several processes may start at once. */
export async function createTokenService(db: Db, vault: Vault, now: () => Date): Promise<TokenService> {
  let keys: Key[] = [];
  let loadedAt = 0;
  const verified = new Map<string, AccessClaims & { expiresAt: number }>();

  const load = async (): Promise<void> => {
    keys = await Promise.all((await trustedSigningKeys(db, now())).map((row) => open(row, vault)));
    loadedAt = now().getTime();
  };
  const keyFor = async (kid: string | undefined): Promise<Key | undefined> => {
    const find = (): Key | undefined => keys.find((key) => key.kid === kid);
    if (find() === undefined || now().getTime() - loadedAt > KEYS_MAX_AGE_MS) await load();
    return find();
  };

  await load();
  if (!keys.some((key) => key.signs)) {
    await insertSigningKey(db, await generate(vault));
    await load();
  }

  return {
    issueAccess: async ({ userId, sessionId }, ttlSeconds) => {
      const key = keys.find((one) => one.signs);
      if (key === undefined) throw new Error('no signing key');
      const seconds = Math.floor(now().getTime() / 1000);
      return new SignJWT({ sid: sessionId, typ: 'access' })
        .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'at+jwt' })
        .setSubject(userId).setIssuer(ISSUER).setAudience(AUDIENCE).setJti(uuidv7(now().getTime()))
        .setIssuedAt(seconds).setExpirationTime(seconds + ttlSeconds)
        .sign(key.privateKey);
    },
    verifyAccess: async (token) => {
      const known = verified.get(token);
      if (known !== undefined) {
        if (known.expiresAt > now().getTime()) return known;
        verified.delete(token);
        return null;
      }
      const claims = await verify(token, keyFor, now());
      if (claims !== null) {
        if (verified.size >= VERIFIED_ENTRIES) verified.clear();
        verified.set(token, claims);
      }
      return claims;
    },
  };
}

async function verify(token: string, keyFor: (kid: string | undefined) => Promise<Key | undefined>, now: Date): Promise<(AccessClaims & { expiresAt: number }) | null> {
  // a database that does not answer while keys are looked up is no verdict on the token: that error goes up
  const kid = kidOf(token);
  const key = kid === undefined ? undefined : await keyFor(kid);
  if (key === undefined) return null;
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt',
      clockTolerance: CLOCK_TOLERANCE_SECONDS, currentDate: now, requiredClaims: ['sub', 'sid', 'exp', 'jti'],
    });
    const { sub, sid, exp } = payload;
    if (typeof sub !== 'string' || typeof sid !== 'string' || exp === undefined) return null;
    return { userId: sub, sessionId: sid, expiresAt: exp * 1000 };
  } catch {
    return null;
  }
}

function kidOf(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && 'kid' in header && typeof header.kid === 'string' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}

async function generate(vault: Vault): Promise<SigningKeyRow> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const kid = uuidv7();
  return { kid, algorithm: ALGORITHM, publicJwk: await exportJWK(publicKey), privateSealed: vault.seal(JSON.stringify(await exportJWK(privateKey))), signs: true };
}

async function open(row: SigningKeyRow, vault: Vault): Promise<Key> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- sealed by us: what opens is what exportJWK gave
  const privateJwk: JWK = JSON.parse(vault.open(row.privateSealed));
  return { kid: row.kid, signs: row.signs, publicKey: await importJWK(row.publicJwk, row.algorithm), privateKey: await importJWK(privateJwk, row.algorithm) };
}

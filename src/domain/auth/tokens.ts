/** Access tokens: JWTs signed with EdDSA by keys that rotate by `kid`. */
import { SignJWT, jwtVerify } from 'jose';
import { uuidv7 } from '../../core/ids.ts';
import type { Vault } from '../../core/vault.ts';
import type { Db } from '../../db/connect.ts';
import { ALGORITHM, openKeyRing, toPublicKey, type KeyRing, type PublicKey } from './signing-keys.ts';

export interface AccessClaims {
  userId: string;
  sessionId: string;
}

export interface VerifiedClaims extends AccessClaims {
  /** When we stop believing it, milliseconds since 1970. */
  expiresAt: number;
}

export interface TokenService {
  /** A token for `ttlSeconds`. */
  issueAccess: (claims: AccessClaims, ttlSeconds: number) => Promise<string>;
  /** Its claims, or null where it is forged, expired, for another audience, or not ours. */
  verifyAccess: (token: string) => Promise<VerifiedClaims | null>;
  /** Of every key that is trusted or about to sign. */
  publicKeys: () => Promise<PublicKey[]>;
  /** The keys in the database have changed, or may have. */
  keysChanged: () => void;
}

const AUDIENCE = 'sca-portal-api';
/** `iss` where no BASE_URL is set: the same for all processes, whatever their ports. */
export const DEFAULT_ISSUER = 'sca-portal';
const CLOCK_TOLERANCE_SECONDS = 5;
const VERIFIED_ENTRIES = 10_000;

interface Verified extends VerifiedClaims {
  kid: string;
}

/** Makes the first key where there is none; several processes may start at once. */
export async function createTokenService(db: Db, vault: Vault, now: () => Date, issuer: string = DEFAULT_ISSUER): Promise<TokenService> {
  const ring = await openKeyRing(db, vault, now);
  const verified = new Map<string, Verified>();
  let verifiedWith = ring.generation();

  /** What was verified with keys as they were is forgotten when they change, so that a key that lost our trust lives on nowhere. */
  const remembered = async (token: string): Promise<Verified | undefined> => {
    const known = verified.get(token);
    if (known === undefined) return undefined;
    const key = await ring.find(known.kid);
    if (verifiedWith !== ring.generation()) {
      verified.clear();
      verifiedWith = ring.generation();
      return undefined;
    }
    if (key !== undefined && known.expiresAt > now().getTime()) return known;
    verified.delete(token);
    return undefined;
  };

  return {
    issueAccess: async ({ userId, sessionId }, ttlSeconds) => {
      const key = await ring.current();
      const seconds = Math.floor(now().getTime() / 1000);
      return new SignJWT({ sid: sessionId, typ: 'access' })
        .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'at+jwt' })
        .setSubject(userId).setIssuer(issuer).setAudience(AUDIENCE).setJti(uuidv7(now().getTime()))
        .setIssuedAt(seconds).setExpirationTime(seconds + ttlSeconds)
        .sign(key.privateKey);
    },
    verifyAccess: async (token) => {
      const known = await remembered(token);
      if (known !== undefined) return known;
      const before = ring.generation();
      const claims = await verify(token, ring, issuer, now);
      if (claims !== null && before === ring.generation() && before === verifiedWith) {
        if (verified.size >= VERIFIED_ENTRIES) verified.clear();
        verified.set(token, claims);
      }
      return claims;
    },
    publicKeys: async () => (await ring.trusted()).map(toPublicKey),
    keysChanged: ring.changed,
  };
}

async function verify(token: string, ring: KeyRing, issuer: string, now: () => Date): Promise<Verified | null> {
  // a database that does not answer while keys are looked up is no verdict on the token: that error goes up
  const kid = kidOf(token);
  const key = kid === undefined ? undefined : await ring.find(kid);
  if (key === undefined) return null;
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [ALGORITHM], issuer, audience: AUDIENCE, typ: 'at+jwt',
      clockTolerance: CLOCK_TOLERANCE_SECONDS, currentDate: now(), requiredClaims: ['sub', 'sid', 'exp', 'jti'],
    });
    const { sub, sid, exp } = payload;
    if (typeof sub !== 'string' || typeof sid !== 'string' || exp === undefined) return null;
    return { userId: sub, sessionId: sid, kid: key.kid, expiresAt: (exp + CLOCK_TOLERANCE_SECONDS) * 1000 };
  } catch {
    return null;
  }
}

/** Read before anything is verified; a header that is not one of ours does not make us look for its key. */
function kidOf(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8'));
    if (typeof header !== 'object' || header === null || !('alg' in header) || header.alg !== ALGORITHM) return undefined;
    return 'kid' in header && typeof header.kid === 'string' ? header.kid : undefined;
  } catch {
    return undefined;
  }
}

/** Rows of signing_keys. */
import { sql } from 'kysely';
import type { JWK } from 'jose';
import type { Db } from './connect.ts';

export interface SigningKeyRow {
  kid: string;
  algorithm: string;
  publicJwk: JWK;
  privateSealed: Buffer;
  /** Whether new tokens are signed with it. */
  signs: boolean;
}

export async function trustedSigningKeys(db: Db, now: Date): Promise<SigningKeyRow[]> {
  const { rows } = await sql<SigningKeyRow>`
    SELECT kid, algorithm, public_jwk AS "publicJwk", private_sealed AS "privateSealed", signs_until IS NULL AS signs
    FROM signing_keys WHERE trusted_until IS NULL OR trusted_until > ${now}`.execute(db);
  return rows;
}

/** Adds the first key; where another process was faster, nothing happens. */
export async function insertSigningKey(db: Db, key: SigningKeyRow): Promise<void> {
  await sql`
    INSERT INTO signing_keys (kid, algorithm, public_jwk, private_sealed)
    VALUES (${key.kid}, ${key.algorithm}, ${JSON.stringify(key.publicJwk)}, ${key.privateSealed})
    ON CONFLICT DO NOTHING`.execute(db);
}

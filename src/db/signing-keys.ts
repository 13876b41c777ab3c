/** Rows of signing_keys. */
import { sql } from 'kysely';
import type { JWK } from 'jose';
import type { Db, Tx } from './connect.ts';

/** On which the database tells that keys have changed. */
export const SIGNING_KEYS_CHANNEL = 'signing_keys_changed';

export interface NewSigningKey {
  kid: string;
  algorithm: string;
  publicJwk: JWK;
  privateSealed: Buffer;
}

/** Times are milliseconds since 1970. */
export interface SigningKeyRow extends NewSigningKey {
  signsFrom: number;
  /** null: until another key takes its place. */
  signsUntil: number | null;
  /** null: as long as it signs. */
  trustedUntil: number | null;
}

export async function trustedSigningKeys(db: Db, now: Date): Promise<SigningKeyRow[]> {
  const { rows } = await sql<SigningKeyRow>`
    SELECT kid, algorithm, public_jwk AS "publicJwk", private_sealed AS "privateSealed",
      extract(epoch FROM signs_from)::float8 * 1000 AS "signsFrom", extract(epoch FROM signs_until)::float8 * 1000 AS "signsUntil",
      extract(epoch FROM trusted_until)::float8 * 1000 AS "trustedUntil"
    FROM signing_keys WHERE trusted_until IS NULL OR trusted_until > ${now} ORDER BY signs_from DESC, kid DESC`.execute(db);
  return rows;
}

/** Adds the key that has no successor yet; false where there is one already. */
export async function insertSigningKey(db: Db, key: NewSigningKey, signsFrom: Date): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO signing_keys (kid, algorithm, public_jwk, private_sealed, created_at, signs_from)
    VALUES (${key.kid}, ${key.algorithm}, ${JSON.stringify(key.publicJwk)}, ${key.privateSealed}, ${signsFrom}, ${signsFrom})
    ON CONFLICT DO NOTHING RETURNING kid`.execute(db);
  return rows.length > 0;
}

/** Locks the key without a successor, where it has signed since before `before`. */
export async function lockOldSigningKey(tx: Tx, before: Date): Promise<string | undefined> {
  const { rows } = await sql<{ kid: string }>`SELECT kid FROM signing_keys WHERE signs_until IS NULL AND signs_from < ${before} FOR UPDATE`.execute(tx);
  return rows[0]?.kid;
}

export async function endSigningKey(tx: Tx, kid: string, until: { signs: Date; trusted: Date }): Promise<void> {
  await sql`UPDATE signing_keys SET signs_until = ${until.signs}, trusted_until = ${until.trusted} WHERE kid = ${kid}`.execute(tx);
}

/** Removes keys that nobody trusts any more, their private halves with them; returns their names. */
export async function deleteUntrustedSigningKeys(tx: Tx, now: Date): Promise<string[]> {
  const { rows } = await sql<{ kid: string }>`DELETE FROM signing_keys WHERE trusted_until <= ${now} RETURNING kid`.execute(tx);
  return rows.map(({ kid }) => kid);
}

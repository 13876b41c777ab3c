/** Rows of document_keys. */
import { sql } from 'kysely';
import type { JWK } from 'jose';
import type { Db, Tx } from './connect.ts';

export interface DocumentKeyRow {
  kid: string;
  publicJwk: JWK;
}

/** The key that signs now. */
export async function currentDocumentKey(db: Db): Promise<{ kid: string; privateSealed: Buffer } | undefined> {
  const { rows } = await sql<{ kid: string; privateSealed: Buffer }>`SELECT kid, private_sealed AS "privateSealed" FROM document_keys WHERE private_sealed IS NOT NULL`.execute(db);
  return rows[0];
}

/** Adds the key where none signs; false where one does, which a process next to this one may just have made. */
export async function insertDocumentKey(tx: Tx, { kid, publicJwk, privateSealed }: DocumentKeyRow & { privateSealed: Buffer }): Promise<boolean> {
  const { rows } = await sql`INSERT INTO document_keys (kid, public_jwk, private_sealed) VALUES (${kid}, ${JSON.stringify(publicJwk)}, ${privateSealed}) ON CONFLICT DO NOTHING RETURNING kid`.execute(tx);
  return rows.length > 0;
}

/** All of them, the newest first. */
export async function listDocumentKeys(db: Db): Promise<DocumentKeyRow[]> {
  const { rows } = await sql<DocumentKeyRow>`SELECT kid, public_jwk AS "publicJwk" FROM document_keys ORDER BY created_at DESC, kid DESC`.execute(db);
  return rows;
}

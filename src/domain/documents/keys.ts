/** The keys that sign documents: one signs, and all that ever did are published. */
import { importJWK, type CryptoKey } from 'jose';
import { currentDocumentKey, insertDocumentKey, listDocumentKeys } from '../../db/document-keys.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import { ALGORITHM, generateKey, openPrivate, toPublicKey, type PublicKey } from '../auth/signing-keys.ts';
import type { Context } from '../context.ts';

export interface DocumentKey {
  kid: string;
  privateKey: CryptoKey | Uint8Array;
}

/** The key that signs now; the first signature makes it. Two processes that both find none end with the same one. */
export async function documentKey(context: Context): Promise<DocumentKey> {
  const found = (await currentDocumentKey(context.db)) ?? (await makeKey(context));
  return { kid: found.kid, privateKey: await importJWK(openPrivate(found, context.vault), ALGORITHM) };
}

async function makeKey(context: Context): Promise<{ kid: string; privateSealed: Buffer }> {
  const fresh = await generateKey(context.vault);
  return inTransaction(context.db, async (tx) => {
    if (await insertDocumentKey(tx, fresh)) {
      await audit(tx, context, { action: 'create', table: 'document_keys', id: fresh.kid });
      return fresh;
    }
    const other = await currentDocumentKey(tx);
    if (other === undefined) throw new Error('there is no key to sign documents with');
    return other;
  });
}

export async function publishedDocumentKeys(context: Context): Promise<PublicKey[]> {
  return (await listDocumentKeys(context.db)).map(toPublicKey);
}

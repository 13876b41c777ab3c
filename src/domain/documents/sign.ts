/**
 * A document's signature: a compact JWS (RFC 7515) over a statement of the document's SHA-256, not over the document itself, since Ed25519 would want all of it in memory
 * at once, here and where it is checked.
 */
import { createHash } from 'node:crypto';
import { CompactSign } from 'jose';
import { ALGORITHM } from '../auth/signing-keys.ts';
import type { DocumentKey } from './keys.ts';
import type { ProjectDocument } from './view.ts';

/** Apart from that of access tokens, so that one is never taken for the other. */
const TYPE = 'vnd.sca-portal.document-digest+json';

/** The same document and key give the same bytes. @param about whatever else the statement says */
export async function* signedDigest({ kid, privateKey }: DocumentKey, { etag, mediaType, fileName, text }: ProjectDocument<string>, about: Readonly<Record<string, string | null>>): AsyncGenerator<string> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of text) {
    const bytes = Buffer.from(chunk);
    hash.update(bytes);
    size += bytes.length;
  }
  const statement = { file_name: fileName, media_type: mediaType, etag, size, sha256: hash.digest('hex'), ...about };
  yield await new CompactSign(Buffer.from(JSON.stringify(statement))).setProtectedHeader({ alg: ALGORITHM, kid, typ: TYPE }).sign(privateKey);
}

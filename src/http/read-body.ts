/** The request's body as the operation declares it: media type, size, JSON or form; hashed for Idempotency-Key. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { operations } from '../../generated/operations.ts';
import type { Config } from '../config.ts';
import { DomainError } from '../core/errors.ts';
import type { Exchange } from './exchange.ts';
import { readMultipart } from './multipart.ts';
import { JSON_LIMIT_BYTES, WEBHOOK_LIMIT_BYTES, hasBody, mediaTypeOf, parseJson, readBytes } from './read-request.ts';
import type { OperationId } from './types.ts';

export interface BodyLimits {
  uploadBytes: number;
  spoolDir: string;
  backupBytes: number;
  /** Where backups are uploaded to, which have no room where other uploads go. */
  backupDir: string;
}

export const bodyLimits = (config: Config): BodyLimits => ({ uploadBytes: config.MAX_UPLOAD_BYTES, spoolDir: path.join(config.DATA_DIR, 'spool'), backupBytes: config.BACKUP_MAX_BYTES, backupDir: config.BACKUP_DIR });

const JSON_TYPE = 'application/json';
const FORM = 'multipart/form-data';
const NOTHING = Buffer.alloc(0);

/** Reads the body once; one that may be left out, and is, counts as `{}`. Throws unsupported-media-type, payload-too-large, invalid-request, validation-failed (missing). */
export async function readBody(exchange: Exchange, operationId: OperationId, limits: BodyLimits): Promise<void> {
  if (exchange.body.state !== 'unread') return;
  const { bodies, bodyRequired, bodyLimit } = operations[operationId];
  const accepted = Object.keys(bodies);
  const limitName: string = bodyLimit;
  const { request } = exchange;
  const mediaType = mediaTypeOf(request);
  if (accepted.length === 0 || (!hasBody(request) && mediaType !== FORM)) {
    if (bodyRequired) throw new DomainError('validation-failed', 'The body is missing.', { errors: [{ pointer: '', message: 'is missing' }] });
    exchange.body = accepted.includes(JSON_TYPE) ? { state: 'json', value: {}, raw: NOTHING, digest: NOTHING, mediaType: JSON_TYPE } : { state: 'none' };
    return;
  }
  if (!accepted.includes(mediaType)) {
    throw new DomainError('unsupported-media-type', `Send the body as ${accepted.join(' or ')}${mediaType === '' ? '; Content-Type is missing' : `, not ${mediaType}`}.`);
  }
  if (mediaType === FORM) {
    const { fields, files, discard } = await (limitName === 'backup' ? readMultipart(request, limits.backupDir, limits.backupBytes) : readMultipart(request, limits.spoolDir, limits.uploadBytes));
    exchange.cleanups.push(discard);
    const digest = createHash('sha256').update(JSON.stringify(Object.entries(fields).sort()));
    for (const file of files) digest.update(`${file.field}\n`).update(file.sha256);
    exchange.body = { state: 'form', form: { fields, files }, digest: digest.digest(), mediaType };
    return;
  }
  const bytes = await readBytes(request, limitName === 'webhook' ? WEBHOOK_LIMIT_BYTES : JSON_LIMIT_BYTES);
  exchange.body = { state: 'json', value: parseJson(bytes), raw: bytes, digest: createHash('sha256').update(bytes).digest(), mediaType };
}

/** Multipart uploads, streamed: fields are bounded text, files go to the spool folder while they are hashed and counted. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import busboy from 'busboy';
import { DomainError } from '../core/errors.ts';

export interface UploadedFile {
  field: string;
  fileName: string;
  /** Where it is spooled; removed when the request ends. */
  path: string;
  byteSize: number;
  sha256: Buffer;
  /** The first 64 KiB, to recognise the format. */
  head: Buffer;
}

export interface Multipart {
  fields: Record<string, string>;
  files: UploadedFile[];
  /** Removes the spooled files. */
  discard: () => Promise<void>;
}

const HEAD_BYTES = 64 * 1024;
const FIELD_BYTES = 64 * 1024;
const MAX_FIELDS = 20;
const MAX_FILES = 2;

/** Reads the whole body. Throws payload-too-large, invalid-request, and faults of the disk as they are; whatever was spooled by then is removed. */
export async function readMultipart(request: IncomingMessage, spoolDir: string, limit: number): Promise<Multipart> {
  if (Number(request.headers['content-length'] ?? 0) > limit + FIELD_BYTES * MAX_FIELDS) throw tooLarge(limit);
  await mkdir(spoolDir, { recursive: true });
  const fields = new Map<string, string>(); // `__proto__` is a name like any other
  const pending: Promise<UploadedFile>[] = [];
  const paths: string[] = [];
  const discard = async (): Promise<void> => {
    await Promise.all(paths.map((file) => rm(file, { force: true })));
  };
  try {
    const parser = createParser(request);
    parser.on('file', (field, stream, { filename }) => {
      const file = path.join(spoolDir, randomUUID());
      paths.push(file);
      const spooled = spool(stream, file, limit, { field, fileName: path.basename(filename ?? '').slice(0, 255) });
      spooled.catch((error: unknown) => parser.destroy(error instanceof Error ? error : new Error(String(error))));
      pending.push(spooled);
    });
    parser.on('field', (name, value, { nameTruncated, valueTruncated }) => {
      if (nameTruncated || valueTruncated) parser.destroy(malformed(`Field '${name}' is longer than ${FIELD_BYTES} bytes.`));
      else if (fields.has(name)) parser.destroy(malformed(`Field '${name}' is given more than once.`));
      else fields.set(name, value);
    });
    for (const limitName of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) parser.on(limitName, () => parser.destroy(malformed('The form has too many parts.')));
    await feed(request, parser);
    return { fields: Object.fromEntries(fields), files: await Promise.all(pending), discard };
  } catch (error) {
    await Promise.allSettled(pending);
    await discard();
    throw error instanceof DomainError || isOfTheDisk(error) ? error : malformed(`The form cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** request -> parser, but a fault leaves the request alive: the answer still has to go out on its connection. */
function feed(request: IncomingMessage, parser: busboy.Busboy): Promise<void> {
  return new Promise((resolve, reject) => {
    const cut = (): void => {
      if (!request.complete) parser.destroy(malformed('The form ended early.'));
    };
    parser.once('close', () => {
      request.off('close', cut).off('error', cut);
      resolve();
    });
    // not once: busboy tells of each broken part, and an error that nobody listens to ends the process
    parser.on('error', (error) => {
      request.unpipe(parser).off('close', cut).off('error', cut);
      reject(error instanceof Error ? error : new Error(String(error)));
    });
    request.once('close', cut).once('error', cut);
    request.pipe(parser);
  });
}

function createParser(request: IncomingMessage): busboy.Busboy {
  try {
    return busboy({ headers: request.headers, limits: { fieldSize: FIELD_BYTES, fields: MAX_FIELDS, files: MAX_FILES, parts: MAX_FIELDS + MAX_FILES } });
  } catch (error) {
    throw malformed(`The form cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

async function spool(stream: Readable, file: string, limit: number, name: Pick<UploadedFile, 'field' | 'fileName'>): Promise<UploadedFile> {
  const hash = createHash('sha256');
  const head: Buffer[] = [];
  let byteSize = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (byteSize < HEAD_BYTES) head.push(chunk.subarray(0, HEAD_BYTES - byteSize));
      byteSize += chunk.length;
      hash.update(chunk);
      if (byteSize > limit) done(tooLarge(limit));
      else done(null, chunk);
    },
  });
  await pipeline(stream, count, createWriteStream(file, { mode: 0o600 }));
  return { ...name, path: file, byteSize, sha256: hash.digest(), head: Buffer.concat(head) };
}

/** A call of the system that failed: the spool folder's fault, not the form's. */
const isOfTheDisk = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

const tooLarge = (limit: number): DomainError => new DomainError('payload-too-large', `The upload is larger than the ${limit} bytes that this portal takes. Send less, or have an operator raise the limit (MAX_UPLOAD_BYTES; of backups BACKUP_MAX_BYTES).`, { limit_bytes: limit });
const malformed = (message: string): DomainError => new DomainError('invalid-request', message, { errors: [{ message }] });

/** Reading a backup, streamed: each byte is checked against the manifest, and whoever asks gets the rows on the way. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Decrypter } from 'age-encryption';
import { extract, type Extract, type Header } from 'tar-stream';
import { DomainError } from '../../core/errors.ts';
import { errorCode, messageOf } from '../../core/values.ts';
import { invalidBackup, linesIn, MANIFEST, MAX_MANIFEST_BYTES, MAX_TABLES, PART_BYTES, PART_NAME, parseManifest, type Manifest } from './manifest.ts';

/** Of the rows that come out of the archive: two hundred times the largest upload. */
const MAX_BYTES = 2 * 1024 ** 4;
const AGE_HEAD = 'age-encryption.org/';

export interface ReadOptions {
  /** Tried in turn where the archive is encrypted. */
  passphrases: readonly string[];
  signal: AbortSignal;
  /** A table's rows, in order, in pieces that end anywhere; tables one after another. */
  onPart?: (table: string, bytes: Buffer) => Promise<void>;
}

interface Seen {
  parts: number;
  rows: number;
  bytes: number;
  digest: Hash;
}

/** Reads all of it. Throws invalid-backup where anything is missing, altered or too much. */
export async function readArchive(file: string, options: ReadOptions): Promise<Manifest> {
  const { signal } = options;
  try {
    const entries = extract();
    const flow = pipeline(await plain(file, options), createGunzip(), entries, { signal });
    flow.catch((error: unknown) => entries.destroy(error instanceof Error ? error : new Error(String(error))));
    const manifest = await readEntries(entries, options.onPart ?? (() => Promise.resolve()));
    await flow;
    return manifest;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DomainError || /^E[A-Z]+$/.test(errorCode(error)) || 'severity' in Object(error)) throw error; // the disk's or the database's fault, not the archive's
    throw invalidBackup(`The archive cannot be read: ${messageOf(error)}.`);
  }
}

async function plain(file: string, { passphrases }: ReadOptions): Promise<Readable> {
  const handle = await open(file);
  const { buffer: head } = await handle.read(Buffer.alloc(AGE_HEAD.length), 0, AGE_HEAD.length, 0);
  await handle.close();
  if (head.toString('latin1') !== AGE_HEAD) return createReadStream(file);
  if (passphrases.length === 0) throw invalidBackup('The archive is encrypted: send its `passphrase`.');
  const decrypter = new Decrypter();
  for (const passphrase of passphrases) decrypter.addPassphrase(passphrase);
  const source = createReadStream(file);
  try {
    return Readable.fromWeb(await decrypter.decrypt(Readable.toWeb(source)));
  } catch (error) {
    source.destroy();
    throw invalidBackup(`The archive cannot be decrypted: ${messageOf(error)}.`);
  }
}

async function readEntries(entries: Extract, onPart: NonNullable<ReadOptions['onPart']>): Promise<Manifest> {
  const seen = new Map<string, Seen>();
  let manifest: Manifest | null = null;
  let total = 0;
  let last = '';
  for await (const entry of entries) {
    const { name, type } = entry.header;
    if (manifest !== null) throw invalidBackup('The archive goes on behind its manifest.');
    if (type !== 'file') throw invalidBackup('The archive holds something else than files.');
    if (name === MANIFEST) {
      manifest = parseManifest((await bytesOf(entry, MAX_MANIFEST_BYTES)).toString('utf8'));
      continue;
    }
    const [, table, number] = PART_NAME.exec(name) ?? [];
    if (table === undefined) throw invalidBackup('The archive holds files that are not of a backup.');
    if (seen.size >= MAX_TABLES && !seen.has(table)) throw invalidBackup('The archive holds more tables than a backup can.');
    const state = seen.get(table) ?? { parts: 0, rows: 0, bytes: 0, digest: createHash('sha256') };
    if (Number(number) !== state.parts + 1 || (state.parts > 0 && last !== table)) throw invalidBackup(`Rows of the table ${table} are missing or out of order.`);
    if (state.bytes !== state.parts * PART_BYTES) throw invalidBackup(`The rows of the table ${table} are not cut as a backup cuts them.`); // else millions of pieces of nothing would keep us busy
    const bytes = await bytesOf(entry, PART_BYTES);
    if (bytes.length === 0) throw invalidBackup(`A piece of the table ${table} is empty.`);
    total += bytes.length;
    if (total > MAX_BYTES) throw invalidBackup('The archive holds more than a backup can.');
    state.digest.update(bytes);
    seen.set(table, { parts: state.parts + 1, rows: state.rows + linesIn(bytes), bytes: state.bytes + bytes.length, digest: state.digest });
    last = table;
    await onPart(table, bytes);
  }
  if (manifest === null) throw invalidBackup('The archive has no manifest: it is none of a backup, or its end is missing.');
  compare(manifest, seen);
  return manifest;
}

async function bytesOf(entry: AsyncIterable<unknown> & { header: Header }, most: number): Promise<Buffer> {
  if (entry.header.size > most) throw invalidBackup('The archive holds a file that is larger than any of a backup.');
  const pieces: Uint8Array[] = [];
  for await (const piece of entry) if (piece instanceof Uint8Array) pieces.push(piece);
  return Buffer.concat(pieces);
}

function compare({ tables }: Manifest, seen: ReadonlyMap<string, Seen>): void {
  for (const { name, rows, bytes, sha256 } of tables) {
    const found = seen.get(name) ?? { parts: 0, rows: 0, bytes: 0, digest: createHash('sha256') };
    if (found.rows !== rows || found.bytes !== bytes || found.digest.digest('hex') !== sha256) throw invalidBackup(`The rows of the table ${name} are not those that the manifest tells of.`);
  }
  const named = new Set(tables.map(({ name }) => name));
  const extra = [...seen.keys()].find((name) => !named.has(name));
  if (extra !== undefined || named.size !== tables.length) throw invalidBackup('The manifest does not fit what the archive holds.');
}

/** Writing a backup: tar, gzip, and age where there is a passphrase, all of it streamed. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Encrypter } from 'age-encryption';
import { pack, type Pack } from 'tar-stream';
import type { Snapshot } from '../../db/backup/snapshot.ts';
import { linesIn, MANIFEST, PART_BYTES, partName, type Manifest, type TableEntry } from './manifest.ts';

/** Half as costly as age's own programs choose: a passphrase for machines is long, and portals check archives while they serve. */
const SCRYPT_WORK_FACTOR = 16;
const GZIP_LEVEL = 4;

export interface ArchiveOptions {
  passphrase: string | null;
  signal: AbortSignal;
  /** Percent. */
  onProgress: (percent: number) => Promise<void>;
}

/** Where it throws, a part of the file may be there. @returns bytes and digest of the file */
export async function writeArchive(file: string, about: Pick<Manifest, 'name' | 'kind' | 'created_at' | 'key_check'>, snapshot: Snapshot, { passphrase, signal, onProgress }: ArchiveOptions): Promise<{ sizeBytes: number; sha256: Buffer }> {
  const archive = pack();
  const digest = createHash('sha256');
  let sizeBytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      digest.update(chunk);
      done(null, chunk);
    },
  });
  const compressed = archive.pipe(createGzip({ level: GZIP_LEVEL }));
  archive.on('error', (error) => compressed.destroy(error));
  const written = pipeline(passphrase === null ? compressed : await encrypted(compressed, passphrase), count, createWriteStream(file, { mode: 0o600, flush: true }), { signal });
  const filled = fill(archive, about, snapshot, onProgress).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  await Promise.all([filled, written.catch((error: unknown) => {
    archive.destroy(); // whoever fills it waits for room
    throw error;
  })]);
  return { sizeBytes, sha256: digest.digest() };
}

async function encrypted(source: Readable, passphrase: string): Promise<Readable> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(SCRYPT_WORK_FACTOR);
  return Readable.fromWeb(await encrypter.encrypt(Readable.toWeb(source)));
}

async function fill(archive: Pack, about: Pick<Manifest, 'name' | 'kind' | 'created_at' | 'key_check'>, { tables, sequences, migrations, read }: Snapshot, onProgress: ArchiveOptions['onProgress']): Promise<void> {
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const entries: TableEntry[] = [];
  let before = 0;
  for (const table of tables) {
    const digest = createHash('sha256');
    const entry = { name: table.name, columns: table.columns, rows: 0, bytes: 0 };
    for await (const part of inParts(read(table))) {
      digest.update(part);
      entry.bytes += part.length;
      entry.rows += linesIn(part);
      await add(archive, partName(table.name, Math.ceil(entry.bytes / PART_BYTES)), part);
      await onProgress((100 * (before + Math.min(entry.bytes, table.bytes))) / total);
    }
    entries.push({ ...entry, sha256: digest.digest('hex') });
    before += table.bytes;
  }
  const manifest: Manifest = { format: 'sca-portal-backup', version: 1, ...about, migrations, tables: entries, sequences };
  await add(archive, MANIFEST, Buffer.from(JSON.stringify(manifest, null, 1)));
  archive.finalize();
}

/** All but the last are PART_BYTES long. */
async function* inParts(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    waiting.push(piece);
    size += piece.length;
    while (size >= PART_BYTES) {
      const whole = Buffer.concat(waiting);
      yield whole.subarray(0, PART_BYTES);
      waiting = [whole.subarray(PART_BYTES)];
      size -= PART_BYTES;
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
}

/** Waits until there is room again. */
const add = (archive: Pack, name: string, bytes: Buffer): Promise<void> => new Promise((resolve, reject) => {
  const entry = archive.entry({ name, size: bytes.length, mode: 0o600 }, (error) => (error ? reject(error) : resolve()));
  entry.on('error', reject); // it emits what has ended the archive as well, which nobody listening would end the process
  entry.end(bytes);
});

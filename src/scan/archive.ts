/**
 * Archives of hostile origin: zip, tar, tar.gz, tar.zst. Only the wanted files are held, in memory; to disk go those of one layout alone, into a folder
 * of the scan (unpackTar). Paths that leave the root, devices and bombs are refused; links are never followed.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, pipeline, type Readable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import tar from 'tar-stream';
import yauzl from 'yauzl';
import { errorCode, messageOf } from '../core/values.ts';
import { ArchiveError, ARCHIVE_LIMITS, Meter, safePath, tooLarge, unreadable, type ArchiveLimits } from './archive-bounds.ts';

const ARCHIVE_FORMATS = ['zip', 'tar', 'tar.gz', 'tar.zst'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

export interface ArchivedFile {
  path: string;
  data: Buffer;
}

export function isArchiveFormat(text: string): text is ArchiveFormat {
  return ARCHIVE_FORMATS.some((format) => format === text);
}

/** The format by its magic bytes; null where it is none of ours. */
export function recogniseArchive(head: Uint8Array): ArchiveFormat | null {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x50, 0x4b, 0x03, 0x04) || starts(0x50, 0x4b, 0x05, 0x06)) return 'zip';
  if (starts(0x1f, 0x8b)) return 'tar.gz';
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'tar.zst';
  return Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar' ? 'tar' : null;
}

/** Is the file wanted? A number: so many bytes from its beginning, which count towards no bound of what is held. */
export type Wanted = (name: string) => boolean | number;

/** The wanted files, in the archive's order. Throws ArchiveError; the files before the fault have been handed over by then. */
export function readArchive(path: string, format: ArchiveFormat, wanted: Wanted, limits: ArchiveLimits = ARCHIVE_LIMITS): AsyncIterable<ArchivedFile> {
  return format === 'zip' ? readZip(path, wanted, limits) : readTar(path, format, wanted, limits);
}

type TarFormat = Exclude<ArchiveFormat, 'zip'>;

async function* readTar(path: string, format: TarFormat, wanted: Wanted, limits: ArchiveLimits): AsyncGenerator<ArchivedFile> {
  for await (const { name, stream, share } of tarFiles(path, format, wanted, limits)) yield { path: name, data: share === true ? await collect(stream, name, limits.fileBytes) : await collectHead(stream, share) };
}

/** Writes the wanted files below `folder`, each at most once. Throws ArchiveError. */
export async function unpackTar(path: string, format: TarFormat, folder: string, wanted: (name: string) => boolean, limits: ArchiveLimits): Promise<void> {
  for await (const { name, stream } of tarFiles(path, format, wanted, limits)) {
    const target = join(folder, name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await pipe(bytesOf(stream), createWriteStream(target, { flags: 'wx', mode: 0o600 })).catch((error: unknown) => {
      throw errorCode(error) === 'EEXIST' ? new ArchiveError('malformed', `The archive holds '${name}' twice.`) : error;
    });
  }
}

/** The wanted files, one after another; each stream must be read to its end before the next comes. */
async function* tarFiles(path: string, format: TarFormat, wanted: Wanted, limits: ArchiveLimits): AsyncGenerator<{ name: string; stream: AsyncIterable<unknown>; share: true | number }> {
  const meter = new Meter(limits);
  const extract = tar.extract();
  const count = (add: (bytes: number) => void): Transform =>
    new Transform({
      transform(chunk: Buffer, _encoding, done) {
        try {
          add(chunk.length);
          done(null, chunk);
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
  const packed = count((bytes) => { meter.packed += bytes; });
  const unpacked = count((bytes) => { meter.unpack(bytes); });
  const source = createReadStream(path);
  const settled = (error: Error | null | undefined): void => {
    if (error) extract.destroy(error);
  };
  const unpack = format === 'tar' ? [] : [format === 'tar.gz' ? createGunzip() : createZstdDecompress()];
  pipeline([source, packed, ...unpack, unpacked], settled);
  unpacked.pipe(extract);
  try {
    for await (const entry of extract) {
      meter.entry();
      const { name, type, size } = entry.header;
      const safe = safePath(name);
      if (type === 'character-device' || type === 'block-device' || type === 'fifo') throw new ArchiveError('malformed', `The archive holds a device: '${safe}'.`);
      const share = (type === 'file' || type === 'contiguous-file') && wanted(safe);
      if (share === false) entry.resume();
      else {
        if (share === true) meter.want(safe, size);
        yield { name: safe, stream: entry, share };
      }
    }
  } catch (error) {
    throw unreadable(error);
  } finally {
    source.destroy();
  }
}

/** The content of an entry; what breaks off is the archive's fault. */
async function* bytesOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of bytes gave something else');
      yield chunk;
    }
  } catch (error) {
    throw unreadable(error);
  }
}

async function collect(stream: AsyncIterable<unknown>, name: string, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytesOf(stream)) {
    size += chunk.length;
    if (size > limit) throw tooLarge(name, limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The beginning; the rest is read and dropped. */
async function collectHead(stream: AsyncIterable<unknown>, bytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytesOf(stream)) {
    if (size < bytes) chunks.push(chunk.subarray(0, bytes - size));
    size += chunk.length;
  }
  return Buffer.concat(chunks);
}

async function* readZip(path: string, wanted: Wanted, limits: ArchiveLimits): AsyncGenerator<ArchivedFile> {
  const meter = new Meter(limits);
  const zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: false, validateEntrySizes: true }).catch((error: unknown) => {
    throw unreadable(error);
  });
  try {
    for await (const entry of zip.eachEntry()) {
      meter.entry();
      const safe = safePath(entry.fileName);
      meter.packed += entry.compressedSize;
      if (meter.packed > zip.fileSize) throw new ArchiveError('bomb', 'Entries of the archive overlap: together they are larger than the archive.');
      meter.unpack(entry.uncompressedSize);
      const isLink = (entry.externalFileAttributes >>> 16 & 0o170000) === 0o120000;
      const share = !entry.fileName.endsWith('/') && !isLink && wanted(safe);
      if (share === false) continue;
      if (share === true) meter.want(safe, entry.uncompressedSize);
      const stream: Readable = await zip.openReadStreamPromise(entry);
      yield { path: safe, data: share === true ? await collect(stream, safe, limits.fileBytes) : await collectHead(stream, share) };
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    const message = messageOf(error);
    throw /relative path|absolute path|invalid characters in fileName/.test(message)
      ? new ArchiveError('unsafe-path', `The archive holds a path that leads out of it: ${message}.`)
      : unreadable(error);
  } finally {
    zip.close();
  }
}

/** Entries of a zip, read whole one after another: a stream for each of 200,000 small records would cost more than all the rest of an import. */
import { open, type FileHandle } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import yauzl from 'yauzl';
import { messageOf } from '../core/values.ts';

export type ZipItem = { name: string; content: Buffer } | { name: string; fault: string };

const LOCAL_HEADER = 30;
const STORED = 0;
const DEFLATED = 8;

/** The entries whose name `wanted` takes, in the order of the directory. Checks lengths and checksums; an entry that fails is told of. Throws where it is no zip. */
export async function* readZip(file: string, wanted: (name: string) => boolean, maxBytes: number): AsyncGenerator<ZipItem> {
  const handle = await open(file);
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(new DirectoryReader(handle), (await handle.stat()).size);
    const data = new Window(handle);
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName;
      if (!wanted(name)) continue;
      let item: ZipItem;
      try {
        item = { name, content: await contentOf(data, entry, maxBytes) };
      } catch (error) {
        item = { name, fault: messageOf(error) };
      }
      yield item;
    }
  } finally {
    await handle.close();
  }
}

async function contentOf(data: Window, entry: yauzl.Entry, maxBytes: number): Promise<Buffer> {
  const { compressionMethod, compressedSize, uncompressedSize, relativeOffsetOfLocalHeader: from } = entry;
  if (uncompressedSize > maxBytes || compressedSize > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
  if (entry.isEncrypted()) throw new Error('is encrypted');
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) throw new Error(`is packed by a method that is not known (${compressionMethod})`);
  const header = await data.read(from, LOCAL_HEADER);
  const packed = await data.read(from + LOCAL_HEADER + header.readUInt16LE(26) + header.readUInt16LE(28), compressedSize);
  const content = compressionMethod === STORED ? Buffer.from(packed) : inflateRawSync(packed, { maxOutputLength: Math.max(1, uncompressedSize) });
  if (content.length !== uncompressedSize || crc32(content) !== entry.crc32) throw new Error('is damaged: its checksum is another');
  return content;
}

/** Reads ahead: what is wanted next mostly follows. */
class Window {
  readonly #handle: FileHandle;
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Throws where the file ends before. */
  async read(position: number, length: number): Promise<Buffer> {
    if (position < this.#from || position + length > this.#from + this.#bytes.length) {
      const buffer = Buffer.allocUnsafe(Math.max(length, AHEAD));
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
      this.#bytes = buffer.subarray(0, bytesRead);
      this.#from = position;
    }
    if (this.#bytes.length < position - this.#from + length) throw new Error('is cut off');
    return this.#bytes.subarray(position - this.#from, position - this.#from + length);
  }
}
const AHEAD = 1024 * 1024;

/** The directory as yauzl asks for it, in two small pieces an entry. */
class DirectoryReader extends yauzl.RandomAccessReader {
  readonly #window: Window;
  constructor(handle: FileHandle) {
    super();
    this.#window = new Window(handle);
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    this.#window.read(position, length).then((bytes) => {
      bytes.copy(buffer, offset);
      callback(null);
    }, (error: unknown) => callback(error instanceof Error ? error : new Error(messageOf(error))));
  }
}

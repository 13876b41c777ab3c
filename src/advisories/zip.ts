/** Entries of a zip, read whole one after another: a stream for each of 200,000 small records would cost more than all the rest of an import. */
import { open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import yauzl from 'yauzl';
import { messageOf } from '../core/values.ts';

export type ZipItem = { name: string; content: Buffer } | { name: string; fault: string };

const LOCAL_HEADER = 30;
/** Room for the extra fields of a local header, which the directory does not tell the length of. */
const SLACK = 1024;
const STORED = 0;
const DEFLATED = 8;

/** The entries whose name `wanted` takes, in the order of the directory. Checks lengths and checksums; an entry that fails is told of. Throws where it is no zip. */
export async function* readZip(file: string, wanted: (name: string) => boolean, maxBytes: number): AsyncGenerator<ZipItem> {
  const zip = await yauzl.openPromise(file);
  try {
    const handle = await open(file);
    try {
      for await (const entry of zip.eachEntry()) {
        const name = entry.fileName;
        if (!wanted(name)) continue;
        try {
          if (entry.uncompressedSize > maxBytes || entry.compressedSize > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
          if (entry.isEncrypted()) throw new Error('is encrypted');
          const from = entry.relativeOffsetOfLocalHeader;
          const read = async (length: number): Promise<Buffer> => {
            const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, from);
            return buffer.subarray(0, bytesRead);
          };
          let data = await read(LOCAL_HEADER + entry.fileNameLength + SLACK + entry.compressedSize);
          if (data.length < LOCAL_HEADER) throw new Error('is cut off');
          const start = LOCAL_HEADER + data.readUInt16LE(26) + data.readUInt16LE(28);
          if (data.length < start + entry.compressedSize) data = await read(start + entry.compressedSize);
          yield { name, content: unpack(data.subarray(start, start + entry.compressedSize), entry) };
        } catch (error) {
          yield { name, fault: messageOf(error) };
        }
      }
    } finally {
      await handle.close();
    }
  } finally {
    zip.close();
  }
}

function unpack(packed: Buffer, { compressionMethod, compressedSize, uncompressedSize, crc32: expected }: yauzl.Entry): Buffer {
  if (packed.length < compressedSize) throw new Error('is cut off');
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) throw new Error(`is packed by a method that is not known (${compressionMethod})`);
  const content = compressionMethod === STORED ? packed : inflateRawSync(packed, { maxOutputLength: Math.max(1, uncompressedSize) });
  if (content.length !== uncompressedSize || crc32(content) !== expected) throw new Error('is damaged: its checksum is another');
  return content;
}

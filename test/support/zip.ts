/** Zips made on the spot. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  name: string;
  content?: Buffer | string;
  /** What the central directory says instead. */
  size?: number;
  /** A checksum that may not be the content's. */
  crc?: number;
  flags?: number;
  mode?: number;
  /** Another entry's content is this one's, too. */
  sameAs?: number;
  extra?: Buffer;
}

/** A zip by hand, so that it can lie. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  const offsets: number[] = [];
  let offset = 0;
  for (const { name, content = '', size, crc, flags = 0, mode = 0o100644, sameAs, extra = Buffer.alloc(0) } of entries) {
    const raw = Buffer.from(content);
    const packed = deflateRawSync(raw);
    const fields = (isCentral: boolean): Buffer => {
      const header = Buffer.alloc(isCentral ? 46 : 30);
      header.writeUInt32LE(isCentral ? 0x02014b50 : 0x04034b50, 0);
      const at = isCentral ? 6 : 4;
      header.writeUInt16LE(20, at);
      header.writeUInt16LE(flags, at + 2);
      header.writeUInt16LE(8, at + 4);
      header.writeUInt32LE(crc ?? crc32(raw), at + 10);
      header.writeUInt32LE(packed.length, at + 14);
      header.writeUInt32LE(size ?? raw.length, at + 18);
      header.writeUInt16LE(Buffer.byteLength(name), at + 22);
      header.writeUInt16LE(isCentral ? extra.length : 0, at + 24);
      if (isCentral) {
        header.writeUInt16LE(0x031e, 4);
        header.writeUInt32LE((mode << 16) >>> 0, 38);
        header.writeUInt32LE(sameAs === undefined ? offset : (offsets[sameAs] ?? 0), 42);
      }
      return Buffer.concat([header, Buffer.from(name), isCentral ? extra : Buffer.alloc(0)]);
    };
    central.push(fields(true));
    offsets.push(offset);
    if (sameAs !== undefined) continue;
    const local = Buffer.concat([fields(false), packed]);
    parts.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}

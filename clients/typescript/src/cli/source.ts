/** What a path is: a folder to be packed, an archive or an SBOM to be sent as it is. */
import { open, stat } from 'node:fs/promises';
import { UsageFault } from './faults.ts';

export type SourceKind = 'folder' | 'archive' | 'sbom';

const HEAD_BYTES = 512;

/** Throws UsageFault. */
export async function kindOfSource(path: string): Promise<SourceKind> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageFault(`'${path}' does not exist, or may not be read. Name a folder, an archive or an SBOM.`);
  if (found.isDirectory()) return 'folder';
  const kind = kindOfFile(await headOf(path));
  if (kind === null) throw new UsageFault(`'${path}' is neither an archive (zip, tar, tar.gz, tar.zst) nor an SBOM (CycloneDX or SPDX). Scan the folder that holds it to have lock files read.`);
  return kind;
}

/** By its first bytes; the portal judges what kind of SBOM it is. */
export function kindOfFile(head: Buffer): Exclude<SourceKind, 'folder'> | null {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x50, 0x4b) || starts(0x1f, 0x8b) || starts(0x28, 0xb5, 0x2f, 0xfd) || head.subarray(257, 262).toString('latin1') === 'ustar') return 'archive';
  const text = (starts(0xff, 0xfe) ? head.subarray(0, head.length & ~1).toString('utf16le') : head.toString('utf8')).replace(/^\ufeff/, '').trimStart();
  return /^(?:[{<]|SPDXVersion:|#)/.test(text) ? 'sbom' : null;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => {
    throw new UsageFault(`'${path}' may not be read.`);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

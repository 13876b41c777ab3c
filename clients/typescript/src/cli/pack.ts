/** A source folder as a tar.gz on the disk: what git knows and does not ignore, else everything but `.git` and `node_modules`. Streamed; the same files give the same bytes. */
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import tar from 'tar-stream';
import { UsageFault } from './faults.ts';
import { gitFiles } from './git.ts';

export interface Packed {
  files: number;
  bytes: number;
  /** Links and what else is no plain file, which the portal does not read. */
  passedOver: number;
}

const MIB = 1024 * 1024;
const LEFT_OUT = new Set(['.git', '.hg', '.svn', 'node_modules']);
const EPOCH = new Date(0);

/** @param target file that is written @param maxBytes of the packed archive. Throws UsageFault. */
export async function packFolder(folder: string, target: string, maxBytes: number, signal: AbortSignal): Promise<Packed> {
  const known = (await gitFiles(folder)) ?? [];
  const names = (known.length > 0 ? known : await walk(folder, '')).sort(); // a folder that git ignores has no known files
  const archive = tar.pack();
  const packed: Packed = { files: 0, bytes: 0, passedOver: 0 };
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      packed.bytes += chunk.length;
      done(packed.bytes > maxBytes ? tooLarge(folder, maxBytes) : null, chunk);
    },
  });
  await Promise.all([
    pipeline(archive, createGzip(), bounded, createWriteStream(target), { signal }),
    fill(archive, folder, names, packed).catch((error: unknown) => {
      archive.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
  if (packed.files === 0) throw new UsageFault(`'${folder}' holds no files to scan.`);
  return packed;
}

async function fill(archive: tar.Pack, folder: string, names: readonly string[], packed: Packed): Promise<void> {
  for (const name of names) {
    const file = path.join(folder, name);
    const found = await lstat(file).catch(() => undefined); // tracked, but deleted
    if (found === undefined) continue;
    if (!found.isFile()) {
      packed.passedOver += 1;
      continue;
    }
    const header = { name, size: found.size, mtime: EPOCH, mode: 0o644 };
    if (found.size === 0) archive.entry(header, '');
    else await pipeline(createReadStream(file, { end: found.size - 1 }), archive.entry(header));
    packed.files += 1;
  }
  archive.finalize();
}

async function walk(folder: string, below: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(path.join(folder, below), { withFileTypes: true })) {
    if (LEFT_OUT.has(entry.name)) continue;
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await walk(folder, name)));
    else found.push(name);
  }
  return found;
}

const tooLarge = (folder: string, maxBytes: number): UsageFault =>
  new UsageFault(`'${folder}' is larger than ${Math.round(maxBytes / MIB)} MiB when packed. Leave files out by .gitignore, scan the folder with the lock files, upload an SBOM instead, or raise --max-size (and MAX_UPLOAD_BYTES of the portal).`);

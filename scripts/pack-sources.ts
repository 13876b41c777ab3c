/** Packs a folder as tar.gz, without what no scan wants: installed packages, tools, data and version control. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import tar from 'tar-stream';

const LEFT_OUT = new Set(['node_modules', '.git', '.tools', '.data', 'generated', 'coverage']);
const MAX_FILE_BYTES = 8 * 1024 * 1024;

export async function packSources(root: string): Promise<Uint8Array<ArrayBuffer>> {
  const pack = tar.pack();
  const packed = buffer(pack);
  for await (const file of filesBelow(root, '')) {
    const full = path.join(root, file);
    if ((await stat(full)).size <= MAX_FILE_BYTES) pack.entry({ name: file, mtime: new Date(0) }, await readFile(full));
  }
  pack.finalize();
  return new Uint8Array(await promisify(gzip)(await packed));
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<string> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) yield* filesBelow(root, name);
    else if (entry.isFile()) yield name;
  }
}

/** Uploads kept in the database, compressed (zstd), in chunks that stream in and out with little memory. */
import { createReadStream } from 'node:fs';
import { Readable, pipeline as join } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { sql } from 'kysely';
import type { Db, Tx } from './connect.ts';

const CHUNK_BYTES = 1024 * 1024;

/** Stores a file; its rows commit with the transaction. */
export async function storeBlob(tx: Tx, file: { path: string; byteSize: number; sha256: Buffer; fileName: string }): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO blobs (byte_size, sha256, file_name) VALUES (${file.byteSize}, ${file.sha256}, ${file.fileName}) RETURNING id`.execute(tx);
  const id = rows[0]?.id ?? '';
  let seq = 0;
  await pipeline(createReadStream(file.path), createZstdCompress(), async (compressed: AsyncIterable<Buffer>) => {
    for await (const data of inChunks(compressed)) {
      await sql`INSERT INTO blob_chunks (blob_id, seq, data) VALUES (${id}, ${seq}, ${data})`.execute(tx);
      seq += 1;
    }
  });
  return id;
}

/** The content as it was uploaded. */
export function readBlob(db: Db, id: string): AsyncIterable<Buffer> {
  const content = createZstdDecompress();
  join(Readable.from(chunksOf(db, id)), content, () => undefined); // an error on the way destroys `content`, whose reader then sees it
  return content;
}

async function* chunksOf(db: Db, id: string): AsyncGenerator<Buffer> {
  for (let seq = 0; ; seq += 1) {
    const { rows } = await sql<{ data: Buffer }>`SELECT data FROM blob_chunks WHERE blob_id = ${id} AND seq = ${seq}`.execute(db);
    if (rows[0] === undefined) return;
    yield rows[0].data;
  }
}

async function* inChunks(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of source) {
    waiting.push(piece);
    size += piece.length;
    if (size < CHUNK_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(waiting);
}

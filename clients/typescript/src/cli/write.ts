/** Documents to a file or to standard output, streamed. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { UsageFault } from './faults.ts';

/** @param file undefined: standard output */
export async function writeDocument(document: string | ReadableStream, file: string | undefined, stdout: NodeJS.WritableStream): Promise<void> {
  const from = typeof document === 'string' ? Readable.from([document]) : Readable.fromWeb(document);
  if (file === undefined) return pipeline(from, stdout, { end: false });
  const to = createWriteStream(file);
  const fault = new Promise<never>((_, reject) => {
    to.once('error', (error) => reject(new UsageFault(`'${file}' cannot be written: ${error.message}.`)));
  });
  fault.catch(() => undefined);
  await Promise.race([pipeline(from, to), fault]);
}

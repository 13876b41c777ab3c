/** What an archive of hostile origin may hold: how much, and paths that stay in it. */
import { messageOf } from '../core/values.ts';

export class ArchiveError extends Error {
  readonly code: 'malformed' | 'unsafe-path' | 'bomb' | 'too-large';

  constructor(code: ArchiveError['code'], message: string) {
    super(message);
    this.name = 'ArchiveError';
    this.code = code;
  }
}

export interface ArchiveLimits {
  entries: number;
  /** Bytes of all files together, unpacked. */
  totalBytes: number;
  /** Bytes of one wanted file, and of all together. */
  fileBytes: number;
  wantedBytes: number;
  /** Unpacked bytes per packed byte, once `ratioFrom` bytes have been unpacked. */
  ratio: number;
  ratioFrom: number;
}

const MIB = 1024 * 1024;
export const ARCHIVE_LIMITS: ArchiveLimits = { entries: 200_000, totalBytes: 2048 * MIB, fileBytes: 64 * MIB, wantedBytes: 256 * MIB, ratio: 200, ratioFrom: 10 * MIB };
const MAX_PATH = 1024;

/** The path with `/`, without `./`. Throws where it leaves the root. */
export function safePath(name: string): string {
  const path = name.replaceAll('\\', '/');
  if (path.length > MAX_PATH) throw new ArchiveError('unsafe-path', `A path of the archive is longer than ${MAX_PATH} characters.`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path) || parts.includes('..') || path.includes('\u0000')) {
    throw new ArchiveError('unsafe-path', `The archive holds the path '${path.slice(0, 200)}', which leads out of it (absolute, or with '..').`);
  }
  return parts.join('/');
}

/** Counts what comes out against what went in. */
export class Meter {
  readonly #limits: ArchiveLimits;
  #entries = 0;
  #unpacked = 0;
  #wanted = 0;
  packed = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  entry(): void {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries) throw new ArchiveError('bomb', `The archive holds more than ${this.#limits.entries} entries.`);
  }

  /** A wanted file of so many bytes, as the archive says; what comes out is held against that. */
  want(name: string, bytes: number): void {
    this.#wanted += bytes;
    if (bytes > this.#limits.fileBytes) throw tooLarge(name, this.#limits.fileBytes);
    if (this.#wanted > this.#limits.wantedBytes) throw new ArchiveError('too-large', `The files of the archive that are read are larger than ${this.#limits.wantedBytes} bytes together.`);
  }

  unpack(bytes: number): void {
    this.#unpacked += bytes;
    if (this.#unpacked > this.#limits.totalBytes) throw new ArchiveError('bomb', `The archive unpacks to more than ${this.#limits.totalBytes} bytes.`);
    if (this.#unpacked > this.#limits.ratioFrom && this.#unpacked > this.packed * this.#limits.ratio) {
      throw new ArchiveError('bomb', `The archive unpacks to more than ${this.#limits.ratio} times its size.`);
    }
  }
}

export function tooLarge(name: string, limit: number): ArchiveError {
  return new ArchiveError('too-large', `The file '${name.slice(0, 200)}' is larger than ${limit} bytes.`);
}

/** What broke off is the archive's fault. */
export const unreadable = (error: unknown): ArchiveError => (error instanceof ArchiveError ? error : new ArchiveError('malformed', `The archive cannot be read: ${messageOf(error)}.`));

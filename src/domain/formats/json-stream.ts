/**
 * Reads one large JSON object without holding it: elements of the named top-level arrays are handed over one by one, all other members
 * are returned whole. It splits the bytes at separators and leaves the syntax between them to JSON.parse.
 */
import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { SbomError } from './sbom-error.ts';

const MAX_DEPTH = 128;
const MAX_VALUE_BYTES = 8 * 1024 * 1024;
const MAX_MEMBERS = 1000;
/** The event loop gets a turn after so many bytes. */
const BREATHE_BYTES = 4 * 1024 * 1024;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** @param arrays names of top-level arrays whose elements go to `onElement` */
export async function readJsonObject(source: AsyncIterable<Uint8Array>, arrays: ReadonlySet<string>, onElement: (name: string, element: unknown) => void): Promise<Map<string, unknown>> {
  const splitter = new Splitter(arrays, onElement);
  let breathed = 0;
  for await (const chunk of source) {
    splitter.push(chunk);
    breathed += chunk.length;
    if (breathed < BREATHE_BYTES) continue;
    breathed = 0;
    await setImmediate();
  }
  return splitter.end();
}

class Splitter {
  readonly #arrays: ReadonlySet<string>;
  readonly #onElement: (name: string, element: unknown) => void;
  readonly #members = new Map<string, unknown>();
  /** Bytes of the present segment from chunks before this one. */
  #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key: string | null = null;
  /** The depth at which separators count: 1, and inside one of the named arrays 2. */
  #base = 1;
  /** What the present segment follows: a bracket that opens, a comma or colon, or a named array that has closed. */
  #after: 'opening' | 'separator' | 'array' = 'opening';
  #ended = false;
  /** Bytes before this chunk. */
  #offset = 0;

  constructor(arrays: ReadonlySet<string>, onElement: (name: string, element: unknown) => void) {
    this.#arrays = arrays;
    this.#onElement = onElement;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    const bytes = this.#offset === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk;
    for (let index = 0; index < bytes.length; index += 1) {
      const byte = bytes[index] ?? 0;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        continue;
      }
      if (byte > COLON && byte !== OPEN_BRACE && byte !== CLOSE_BRACE && byte !== OPEN_BRACKET && byte !== CLOSE_BRACKET) {
        if (this.#depth === 0) this.#outside(byte, index);
        continue;
      }
      start = this.#mark(byte, bytes, start, index);
    }
    if (this.#depth > 0) this.#keep(bytes.subarray(start));
    this.#offset += chunk.length;
  }

  end(): Map<string, unknown> {
    if (!this.#ended) throw new SbomError('malformed', `The document is cut off after ${this.#offset} bytes.`);
    return this.#members;
  }

  /** A byte outside of strings that may mean something; returns where the next segment starts. */
  #mark(byte: number, bytes: Uint8Array, start: number, index: number): number {
    switch (byte) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        return this.#open(byte, bytes, start, index);
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        return this.#close(byte, bytes, start, index);
      default: // a quote, a separator, or what has no meaning
        if (this.#depth === 0) this.#outside(byte, index);
        this.#inString = byte === QUOTE;
        return byte === COMMA || byte === COLON ? this.#separate(byte, bytes, start, index) : start;
    }
  }

  #open(byte: number, bytes: Uint8Array, start: number, index: number): number {
    if (this.#depth === 0) {
      if (this.#ended || byte !== OPEN_BRACE) throw this.#malformed('expected one JSON object', index);
      this.#depth = 1;
      return index + 1;
    }
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new SbomError('malformed', `The document is nested deeper than ${MAX_DEPTH} levels at byte ${this.#offset + index}.`);
    if (byte === OPEN_BRACKET && this.#depth === 2 && this.#key !== null && this.#arrays.has(this.#key) && this.#blank(bytes.subarray(start, index))) {
      if (this.#after === 'array') throw this.#malformed('a comma is missing', index);
      this.#base = 2;
      this.#after = 'opening';
      this.#drop();
      return index + 1;
    }
    return start;
  }

  #separate(byte: number, bytes: Uint8Array, start: number, index: number): number {
    if (byte === COMMA && this.#depth === this.#base) this.#finish(bytes.subarray(start, index), index, false);
    else if (byte === COLON && this.#depth === 1 && this.#key === null) this.#key = this.#parseKey(bytes.subarray(start, index), index);
    else return start;
    this.#after = 'separator';
    return index + 1;
  }

  #close(byte: number, bytes: Uint8Array, start: number, index: number): number {
    if (this.#depth === 0) throw this.#malformed('a bracket closes nothing', index);
    this.#depth -= 1;
    if (this.#depth >= this.#base) return start; // within a value, which JSON.parse will judge
    if (byte !== (this.#base === 2 ? CLOSE_BRACKET : CLOSE_BRACE)) throw this.#malformed('a bracket closes one of the other kind', index);
    this.#finish(bytes.subarray(start, index), index, true);
    this.#ended = this.#depth === 0;
    this.#base = 1;
    this.#after = 'array';
    return index + 1;
  }

  /** A segment is whole: an element, or a member's value; `last` of its array or object, which may be empty. */
  #finish(tail: Uint8Array, index: number, last: boolean): void {
    const segment = this.#take(tail);
    const name = this.#key;
    const inArray = this.#base === 2;
    if (this.#blank(segment)) {
      if (this.#after === 'separator' || (this.#after === 'opening' && !last)) throw this.#malformed('a value is missing', index);
      if (!inArray) this.#key = null;
      return;
    }
    if (this.#after === 'array') throw this.#malformed('a comma is missing', index);
    if (name === null) throw this.#malformed('a member has no name', index);
    const value = this.#parse(segment, index);
    if (inArray) this.#onElement(name, value);
    else {
      this.#members.set(name, value);
      if (this.#members.size > MAX_MEMBERS) throw new SbomError('too-large', `The document has more than ${MAX_MEMBERS} members.`);
      this.#key = null;
    }
  }

  #parseKey(tail: Uint8Array, index: number): string {
    const key = this.#parse(this.#take(tail), index);
    if (typeof key !== 'string') throw this.#malformed('a member has no name', index);
    return key;
  }

  #parse(segment: Uint8Array, index: number): unknown {
    if (!isUtf8(segment)) throw new SbomError('encoding', `The document is not valid UTF-8 near byte ${this.#offset + index}.`);
    try {
      return JSON.parse(Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength).toString('utf8'));
    } catch (error) {
      throw this.#malformed(error instanceof Error ? error.message.slice(0, 200) : 'not JSON', index);
    }
  }

  #keep(rest: Uint8Array): void {
    if (rest.length === 0) return;
    this.#pieceBytes += rest.length;
    if (this.#pieceBytes > MAX_VALUE_BYTES) throw new SbomError('too-large', `One value of the document is larger than ${MAX_VALUE_BYTES} bytes, near byte ${this.#offset}.`);
    this.#pieces.push(Uint8Array.from(rest)); // the stream may use its buffer again
  }

  #take(tail: Uint8Array): Uint8Array {
    if (this.#pieces.length === 0) return tail;
    const whole = Buffer.concat([...this.#pieces, tail]);
    this.#drop();
    return whole;
  }

  #drop(): void {
    this.#pieces = [];
    this.#pieceBytes = 0;
  }

  #blank(bytes: Uint8Array): boolean {
    return bytes.every(isSpace) && this.#pieces.every((piece) => piece.every(isSpace));
  }

  #outside(byte: number, index: number): void {
    if (!isSpace(byte)) throw this.#malformed(this.#ended ? 'something follows the end' : 'expected one JSON object', index);
  }

  #malformed(what: string, index: number): SbomError {
    return new SbomError('malformed', `The document is not valid JSON near byte ${this.#offset + index}: ${what}.`);
  }
}

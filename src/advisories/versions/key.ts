/**
 * Building blocks of version keys. A key is a byte string; compared byte by byte (as PostgreSQL compares bytea, a prefix first) keys
 * sort as their ecosystem sorts the versions, and are equal where the ecosystem calls the versions equal. No key is empty.
 */

/** Longer texts are no versions; it bounds the time and the size of keys. */
export const MAX_LENGTH = 256;

export class KeyWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    this.#parts.push(Buffer.of(value));
    return this;
  }

  /** A number of any size in decimal digits: how many there are, then the digits. Throws beyond 250 digits. */
  number(digits: string): this {
    const plain = digits.replace(/^0+(?=\d)/, '');
    if (plain.length > 250) throw new RangeError('a version number has more than 250 digits');
    return this.byte(plain.length).#text(plain);
  }

  /** Text of printable ASCII, closed so that a prefix sorts first. */
  word(text: string): this {
    return this.#text(text).byte(0);
  }

  #text(text: string): this {
    this.#parts.push(Buffer.from(text, 'latin1'));
    return this;
  }

  done(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** The key of a version in one ecosystem's order; null where the text is no version there. */
export type KeyOf = (version: string) => Buffer | null;

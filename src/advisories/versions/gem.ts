/**
 * RubyGems' Gem::Version: segments of digits and of letters, the shorter list padded with zeros, letters before any number. Zeros
 * before the first letters and at the end are nothing.
 *
 * Padding is what makes a byte key hard, as with Maven: zeros inside stand before either letters (then the run is below the end of the
 * key, the longer the nearer to it) or a greater number (then it is above, the longer the nearer).
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const VERSION = /^\d+(?:\.[0-9a-z]+)*(?:-[0-9a-z-]+(?:\.[0-9a-z-]+)*)?$/i;
const MARK = { letters: 0x01, zerosThenLetters: 0x02, end: 0x03, zerosThenNumber: 0x04, number: 0x05 };

export const gemKey: KeyOf = (version) => {
  const text = version.trim();
  if (text.length > MAX_LENGTH || !VERSION.test(text)) return null;
  const segments = text.replaceAll('-', '.pre.').match(/\d+|[a-z]+/gi) ?? [];
  const first = segments.findIndex((segment) => !isNumber(segment));
  const numbers = first === -1 ? segments : segments.slice(0, first);
  const rest = first === -1 ? [] : segments.slice(first);
  const key = new KeyWriter();
  let zeros = 0;
  for (const segment of [...withoutTrailingZeros(numbers), ...withoutTrailingZeros(rest)]) {
    if (isZero(segment)) {
      zeros += 1;
      continue;
    }
    const numeric = isNumber(segment);
    if (zeros > 0) key.byte(numeric ? MARK.zerosThenNumber : MARK.zerosThenLetters).byte(numeric ? 0xff - zeros : zeros);
    zeros = 0;
    if (numeric) key.byte(MARK.number).number(segment);
    else key.byte(MARK.letters).word(segment);
  }
  return key.byte(MARK.end).done();
};

const isNumber = (segment: string): boolean => /^\d/.test(segment);
const isZero = (segment: string): boolean => /^0+$/.test(segment);

function withoutTrailingZeros(segments: readonly string[]): readonly string[] {
  return segments.slice(0, segments.findLastIndex((segment) => !isZero(segment)) + 1);
}

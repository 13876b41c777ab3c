/**
 * Packagist: versions as Composer normalises them (four numbers, or a date; a stability; `-dev`), in the order of PHP's version_compare.
 * A named branch (`dev-main`) has no key: Composer compares it with nothing, so that only a list can name it. `1.x-dev` is a number.
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const MODIFIER = '[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)(\\d*(?:[.-]\\d+)*))?([.-]?dev)?';
const CLASSIC = new RegExp(`^v?(\\d{1,5})(?:\\.(\\d+))?(?:\\.(\\d+))?(?:\\.(\\d+))?${MODIFIER}$`);
const DATE = new RegExp(`^v?(\\d{4}(?:[.:-]?\\d{2}){1,6}(?:[.:-]?\\d{1,3}){0,2})${MODIFIER}$`);
const BRANCH = /^v?(\d+)(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?[.-]?dev$/;
/** What Composer writes for an `x`: above any real number. */
const ANY = '9999999';
const MARK = { dev: 0x01, end: 0x05, number: 0x06 };
const STABILITY: Readonly<Record<string, number>> = { a: 0x02, alpha: 0x02, b: 0x03, beta: 0x03, rc: 0x04, p: 0x07, pl: 0x07, patch: 0x07 };

export const composerKey: KeyOf = (version) => {
  if (version.length > MAX_LENGTH) return null;
  const text = version.trim().toLowerCase().replace(/^([^,\s]+) +as +[^,\s]+$/, '$1').replace(/@(?:stable|rc|beta|alpha|dev)$/, '').replace(/^([^,\s+]+)\+\S+$/, '$1');
  if (text.startsWith('dev-')) return null;
  const classic = CLASSIC.exec(text);
  if (classic !== null) {
    const [, major = '0', minor = '0', patch = '0', fourth = '0', stability, number, dev] = classic;
    return write([major, minor, patch, fourth], stability, number, dev);
  }
  const date = DATE.exec(text);
  if (date !== null) {
    const [, digits = '', stability, number, dev] = date;
    return write(digits.split(/\D/), stability, number, dev);
  }
  const branch = BRANCH.exec(text);
  return branch === null ? null : write([1, 2, 3, 4].map((at) => branch[at] ?? 'x').map((part) => (/\d/.test(part) ? part : ANY)), undefined, undefined, 'dev');
};

function write(numbers: readonly string[], stability: string | undefined, number: string | undefined, dev: string | undefined): Buffer {
  const key = new KeyWriter();
  for (const part of numbers) key.byte(MARK.number).number(part);
  const mark = stability === undefined ? undefined : STABILITY[stability];
  if (mark !== undefined) key.byte(mark);
  if (mark !== undefined) for (const part of number?.match(/\d+/g) ?? []) key.byte(MARK.number).number(part);
  if (dev !== undefined && stability !== 'stable') key.byte(MARK.dev);
  return key.byte(MARK.end).done();
}

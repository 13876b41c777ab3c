/**
 * Conan 2: items between dots (zeros at the end are nothing), a pre-release behind the first hyphen, which is before its release, and a
 * build behind the last plus, which is after none.
 *
 * Conan compares a number with a text as texts, which is no order (9 < 10 < 1a < 9). Here an item is its leading digits as a number, then
 * the rest as text; items without digits come last. That is Conan's answer wherever Conan has one.
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

/** Behind the items, and between them. */
const MARK = { prerelease: 0x01, release: 0x02, noBuild: 0x03, build: 0x04 };
const ITEM = { end: 0x00, empty: 0x01, number: 0x02, text: 0x03 };

export const conanKey: KeyOf = (version) => {
  const text = version.trim().toLowerCase();
  if (text.length > MAX_LENGTH || !/^[a-z0-9_][a-z0-9_.+-]*$/.test(text)) return null;
  const plus = text.lastIndexOf('+');
  const whole = plus === -1 ? text : text.slice(0, plus);
  const hyphen = whole.indexOf('-');
  const key = items(new KeyWriter(), hyphen === -1 ? whole : whole.slice(0, hyphen));
  if (hyphen === -1) key.byte(MARK.release);
  else items(key.byte(MARK.prerelease), whole.slice(hyphen + 1));
  return plus === -1 ? key.byte(MARK.noBuild).done() : items(key.byte(MARK.build), text.slice(plus + 1)).done();
};

function items(key: KeyWriter, dotted: string): KeyWriter {
  const parts = dotted.split('.');
  for (const part of parts.slice(0, parts.findLastIndex((one) => !/^0+$/.test(one)) + 1)) {
    const digits = /^\d*/.exec(part)?.[0] ?? '';
    if (part === '') key.byte(ITEM.empty);
    else if (digits === '') key.byte(ITEM.text).word(part);
    else key.byte(ITEM.number).number(digits).word(part.slice(digits.length));
  }
  return key.byte(ITEM.end);
}

/**
 * Debian's order (deb-version(7)): epoch, upstream version, revision; the last two are runs of other characters and runs of digits in
 * turn, where `~` is before the end, the end before letters, and letters before all others.
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const TILDE = 0x01;
const END = 0x02;
/** Added to what is neither a letter nor `~`. */
const OTHER = 0x80;

export const dpkgKey: KeyOf = (version) => {
  const text = version.trim();
  if (text.length > MAX_LENGTH) return null;
  const colon = text.indexOf(':');
  const epoch = colon === -1 ? '0' : text.slice(0, colon);
  const [upstream, revision] = cut(text.slice(colon + 1));
  if (!/^\d+$/.test(epoch) || !/^\d[A-Za-z0-9.+~:-]*$/.test(upstream) || !/^(?:-[A-Za-z0-9.+~]+)?$/.test(revision)) return null;
  return runs(runs(new KeyWriter().number(epoch), upstream), revision.slice(1)).done();
};

/** opam: the same without an epoch, and it may begin with any character. */
export const opamKey: KeyOf = (version) => {
  const text = version.trim();
  if (text.length > MAX_LENGTH || !/^[A-Za-z0-9.+~_-]+$/.test(text)) return null;
  const [upstream, revision] = cut(text);
  return runs(runs(new KeyWriter(), upstream), revision.slice(1)).done();
};

/** Before the last hyphen, and from it on. */
function cut(text: string): [string, string] {
  const hyphen = text.lastIndexOf('-');
  return hyphen === -1 ? [text, ''] : [text.slice(0, hyphen), text.slice(hyphen)];
}

/** No digits are 0, and nothing at all is one run of none. */
function runs(key: KeyWriter, text: string): KeyWriter {
  for (const run of text.match(/\D*\d+|\D+/g) ?? ['']) {
    const digits = /\d*$/.exec(run)?.[0] ?? '';
    for (const char of run.slice(0, run.length - digits.length)) key.byte(weight(char));
    key.byte(END).number(digits === '' ? '0' : digits);
  }
  return key.byte(END);
}

const weight = (char: string): number => (char === '~' ? TILDE : /[A-Za-z]/.test(char) ? char.charCodeAt(0) : OTHER + char.charCodeAt(0));

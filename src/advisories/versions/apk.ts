/**
 * Alpine's order (apk-tools 3, apk-package(5)): digits{.digits}{letter}{_suffix{number}}{~hash}{-r#}. A later number with a leading zero
 * is compared as text, below those without. At the first place where two versions have different kinds, the order is the one of MARK.
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const VERSION = /^(\d+(?:\.\d+)*)([a-z])?((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?$/;
const BEFORE: Readonly<Record<string, number>> = { alpha: 0x01, beta: 0x02, pre: 0x03, rc: 0x04 };
const AFTER: Readonly<Record<string, number>> = { cvs: 0x14, svn: 0x15, git: 0x16, hg: 0x17, p: 0x18 };
const MARK = { end: 0x10, revision: 0x11, hash: 0x12, suffixNumber: 0x13, letter: 0x20, zeroLed: 0x30, number: 0x31 };

export const apkKey: KeyOf = (version) => {
  const parts = version.length > MAX_LENGTH ? null : VERSION.exec(version.trim());
  if (parts === null) return null;
  const [, digits = '', letter, suffixes = '', hash, revision] = parts;
  const [first = '', ...later] = digits.split('.');
  const key = new KeyWriter().number(first);
  for (const part of later) {
    if (part.startsWith('0')) key.byte(MARK.zeroLed).word(part);
    else key.byte(MARK.number).number(part);
  }
  if (letter !== undefined) key.byte(MARK.letter).word(letter);
  for (const [, name = '', number = ''] of suffixes.matchAll(/_([a-z]+)(\d*)/g)) {
    key.byte(BEFORE[name] ?? AFTER[name] ?? MARK.end);
    if (number !== '') key.byte(MARK.suffixNumber).number(number);
  }
  if (hash !== undefined) key.byte(MARK.hash).word(hash);
  if (revision !== undefined) key.byte(MARK.revision).number(revision);
  return key.byte(MARK.end).done();
};

/**
 * RPM's order: epoch, then version and release by rpmvercmp, which sees runs of digits, runs of letters, `~` (before the end) and `^`
 * (after the end, before anything else), and takes all other characters for separators.
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

const EVR = /^(?:(\d+):)?([A-Za-z0-9._+~^]+)(?:-([A-Za-z0-9._+~^]+))?$/;
const MARK = { tilde: 0x01, end: 0x02, caret: 0x03, letters: 0x04, number: 0x05 };

export const rpmKey: KeyOf = (version) => {
  const parts = version.length > MAX_LENGTH ? null : EVR.exec(version.trim());
  if (parts === null) return null;
  const [, epoch = '0', upstream = '', release = ''] = parts;
  if (!/[A-Za-z0-9]/.test(upstream)) return null;
  return segments(segments(new KeyWriter().number(epoch), upstream), release).done();
};

function segments(key: KeyWriter, text: string): KeyWriter {
  for (const segment of text.match(/[~^]|\d+|[A-Za-z]+/g) ?? []) {
    if (segment === '~') key.byte(MARK.tilde);
    else if (segment === '^') key.byte(MARK.caret);
    else if (/^\d/.test(segment)) key.byte(MARK.number).number(segment);
    else key.byte(MARK.letters).word(segment);
  }
  return key.byte(MARK.end);
}

/**
 * Maven's version order, ComparableVersion of Maven 3.9 (maven.apache.org/pom.html, "Version Order Specification"): a sequence of tokens,
 * each with `.` or `-` before it, compared one by one, the shorter sequence padded with nulls (`.0`, `-final`).
 *
 * Padding is what makes a byte key hard: `1` and `1.0.1` differ only at their third token. A null inside stands before a number greater
 * than padding, or it would have been trimmed; nulls beside each other are therefore written as one run, above the end of the key and
 * below any number with the same separator; the longer the run, the nearer to the end.
 *
 * ComparableVersion is no order in two places, and there the specification is followed: where text after a dot goes on behind a dot or
 * hyphen (2.sp.2 < 2-rc < 2 < 2.sp.2; a dot before text is as a hyphen), and where a null stands between hyphens (2-ga-rc < 2 < 2-foo <
 * 2-ga-rc; it is nothing).
 */
import { KeyWriter, MAX_LENGTH, type KeyOf } from './key.ts';

interface Token {
  separator: '.' | '-';
  text: string;
  numeric: boolean;
}

/** Qualifiers before the release, in this order, then the release itself (the end), then `sp`, then any other in alphabetical order. */
const BEFORE: readonly string[] = ['alpha', 'beta', 'milestone', 'rc', 'snapshot'];
const SHORT: ReadonlyMap<string, string> = new Map([['a', 'alpha'], ['b', 'beta'], ['m', 'milestone']]);
const ALIAS: ReadonlyMap<string, string> = new Map([['ga', ''], ['final', ''], ['release', ''], ['cr', 'rc']]);

/** Order of the kinds of tokens: qualifier < `-number` < `.number`, whichever number, 0 included. A run of nulls is of its first one's kind. */
const MARK = { before: 0x10, end: 0x40, textNulls: 0x41, servicePack: 0x50, qualifier: 0x51, dashNulls: 0x7f, dashNumber: 0x80, dotNulls: 0xbf, dotNumber: 0xc0 };

export const mavenKey: KeyOf = (version) => {
  const text = version.trim().toLowerCase();
  if (text === '' || text.length > MAX_LENGTH || /[^\u0021-\u007e]/.test(text)) return null;
  const key = new KeyWriter();
  const nulls: Token[] = [];
  for (const token of trim(tokenise(text))) {
    if (isNull(token)) {
      nulls.push(token);
      continue;
    }
    const [first] = nulls;
    if (first !== undefined) key.byte(!first.numeric ? MARK.textNulls : first.separator === '.' ? MARK.dotNulls : MARK.dashNulls).byte(0xff - nulls.length);
    nulls.length = 0;
    write(key, token);
  }
  return key.byte(MARK.end).done();
};

function write(key: KeyWriter, { separator, text, numeric }: Token): void {
  if (numeric) key.byte(separator === '.' ? MARK.dotNumber : MARK.dashNumber).number(text);
  else if (BEFORE.includes(text)) key.byte(MARK.before + BEFORE.indexOf(text));
  else if (text === 'sp') key.byte(MARK.servicePack);
  else key.byte(MARK.qualifier).word(text);
}

const isNull = ({ text, numeric }: Token): boolean => (numeric ? /^0*$/.test(text) : text === '');

/** Tokens end at `.` and `-`, and between digits and others (which counts as `-`); empty ones are 0. */
function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let separator: Token['separator'] = '.';
  for (const part of text.split(/([.-])/)) {
    if (part === '.' || part === '-') {
      separator = part;
      continue;
    }
    if (part === '') tokens.push({ separator, text: '0', numeric: true });
    const pieces = part.match(/\d+|\D+/g) ?? [];
    for (const [index, piece] of pieces.entries()) {
      const numeric = /^\d/.test(piece);
      const full = index + 1 < pieces.length ? (SHORT.get(piece) ?? piece) : piece;
      tokens.push({ separator: index > 0 ? '-' : separator, text: numeric ? piece : (ALIAS.get(full) ?? full), numeric });
    }
  }
  return tokens;
}

/** Nulls are dropped at the end, and before each hyphen. A qualifier after a dot is as after a hyphen. */
function trim(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  for (const token of tokens) {
    if (token.separator === '-' || !token.numeric) dropNulls(kept);
    kept.push(token);
  }
  dropNulls(kept);
  return kept;
}

function dropNulls(tokens: Token[]): void {
  for (let last = tokens.at(-1); last !== undefined && isNull(last); last = tokens.at(-1)) tokens.pop();
}

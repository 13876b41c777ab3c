/** What a password must be: the one place that says so. Length first, so that what is far too long costs nothing. */
import { DomainError } from '../../core/errors.ts';
import { COMMON, WORDS } from './common-passwords.ts';

/** Characters, after Unicode NFKC, which is what gets hashed. ADMIN_PASSWORD (src/config.ts) has the same bounds. */
const MIN_PASSWORD = 12;
const MAX_PASSWORD = 256;
/** A shorter local part is in too many passwords by chance. */
const MIN_LOCAL_PART = 4;

/** Runs of neighbours, forwards; backwards they are turned round. */
const RUNS = ['01234567890123456789', 'abcdefghijklmnopqrstuvwxyz', 'qwertyuiopasdfghjklzxcvbnm', 'qwertzuiopasdfghjklyxcvbnm', 'azertyuiopqsdfghjklmwxcvbn', '`1234567890-=qwertyuiop[]'];
const LOOK_ALIKES: Readonly<Record<string, string>> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', '9': 'g', '@': 'a', $: 's', '!': 'i', '|': 'i', '+': 't' };

/** Why the password is refused, in words; null where it is good. */
export function passwordFault(password: string, email: string): string | null {
  if (password.length > MAX_PASSWORD * 4) return `must have at most ${MAX_PASSWORD} characters`;
  const plain = password.normalize('NFKC');
  const { length } = Array.from(plain); // code points
  if (length < MIN_PASSWORD) return `must have at least ${MIN_PASSWORD} characters`;
  if (length > MAX_PASSWORD) return `must have at most ${MAX_PASSWORD} characters`;
  const lower = plain.toLowerCase();
  if (/^(.{1,4}?)\1+.{0,3}$/su.test(lower)) return 'must not be one short pattern over and over';
  if (isRun(lower)) return 'must not be a run along the alphabet, the digits or the keyboard';
  if (/^[\d\s]+$/.test(lower)) return 'must not be digits only';
  const [localPart = ''] = email.toLowerCase().split('@');
  if (localPart.length >= MIN_LOCAL_PART && lower.includes(localPart)) return 'must not hold the part of the e-mail address before the @';
  return isCommon(lower) ? 'is one of the most common passwords, or one common word with a little around it' : null;
}

/** Throws weak-password, pointing at the member of the body that holds the password. */
export function requireGoodPassword(password: string, email: string, pointer: '/password' | '/new_password'): void {
  const fault = passwordFault(password, email);
  if (fault !== null) throw new DomainError('weak-password', `The password ${fault}. Choose another one.`, { errors: [{ pointer, message: fault }] });
}

function isRun(text: string): boolean {
  const backwards = Array.from(text).reverse().join('');
  return RUNS.some((run) => run.includes(text) || run.includes(backwards));
}

function isCommon(lower: string): boolean {
  if (COMMON.has(lower.replaceAll(/\s/g, ''))) return true;
  return [lower, lower.replaceAll(/^[^a-z]+|[^a-z]+$/g, '')].some((text) => {
    const letters = text.replaceAll(/./gsu, (character) => LOOK_ALIKES[character] ?? character).replaceAll(/[^\p{L}]/gu, '');
    return isOneWord(letters);
  }) || isOneWord(lower.replaceAll(/[^\p{L}]/gu, ''));
}

/** A word of the list, once or over and over. */
function isOneWord(letters: string): boolean {
  const [, unit = letters] = /^(.+?)\1+$/su.exec(letters) ?? [];
  return WORDS.has(letters) || WORDS.has(unit);
}

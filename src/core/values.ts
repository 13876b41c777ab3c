/** Narrowing of values that come from outside: errors, parsed JSON. */

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** A text that says something; null for an empty one and for all else. */
export const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** At most so many UTF-16 units of a text, never half a character; half ones that it holds become U+FFFD. */
export function cut(text: string, length: number): string {
  const isHalf = /[\ud800-\udbff]/.test(text.charAt(length - 1)) && text.length > length;
  return text.slice(0, isHalf ? length - 1 : length).toWellFormed();
}

/** Can PostgreSQL store all texts of the value? Not NUL, and not half of a surrogate pair. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\u0000') && value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isStorable(item));
}

/** The `code` of a system or PostgreSQL error (ENOENT, 57P03), or the empty string. */
export function errorCode(error: unknown): string {
  const code = isRecord(error) ? error['code'] : undefined;
  return typeof code === 'string' ? code : '';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Members of untrusted records. */
import { cut, isRecord } from '../core/values.ts';

/** Without NUL, which PostgreSQL does not store; null where it is no text or empty. */
export function text(value: unknown, length: number): string | null {
  if (typeof value !== 'string') return null;
  const clean = cut(value.replaceAll('\u0000', '').trim(), length);
  return clean === '' ? null : clean;
}

export const texts = (value: unknown, length: number): string[] => (Array.isArray(value) ? value.flatMap((one) => text(one, length) ?? []) : []);
export const records = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

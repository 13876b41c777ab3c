/** Narrowing of values that come from outside: errors, parsed JSON. */

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** The `code` of a system or PostgreSQL error (ENOENT, 57P03), or the empty string. */
export function errorCode(error: unknown): string {
  const code = isRecord(error) ? error['code'] : undefined;
  return typeof code === 'string' ? code : '';
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

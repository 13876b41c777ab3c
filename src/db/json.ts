/** Values as jsonb parameters. */

/** JSON, in which what jsonb refuses (NUL, half of a surrogate pair) is U+FFFD: one odd text must not undo what it comes with. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (escape) => (escape === '\\\\' ? escape : '\ufffd'));
}

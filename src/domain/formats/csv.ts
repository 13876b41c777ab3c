/** CSV (RFC 4180) that spreadsheets may open: a byte order mark so that they read UTF-8, and no cell that they would take for a formula. */

export const BYTE_ORDER_MARK = '\uFEFF';

/** What spreadsheets begin a formula with; tab and carriage return are passed over by some, which then see what follows. */
const FORMULA = /^[=+\-@\t\r]/;
/** Quotes are needed for less; but some programs take other separators, such as semicolons. */
const PLAIN = /^[\w.:/@-]*$/;

/** One record with its line end. Null is an empty cell. */
export function csvRecord(cells: readonly (string | null)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(value: string | null): string {
  if (value === null) return '';
  const text = FORMULA.test(value) ? `'${value}` : value;
  return PLAIN.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}

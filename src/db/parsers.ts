/** How PostgreSQL's text becomes JavaScript values: times as RFC 3339 text, whole numbers as numbers. */
import pg from 'pg';

type Parser = (text: string) => unknown;

/** "2026-11-24 10:53:01.123456+00" -> "2026-11-24T10:53:01.123Z". Infinite times and years BC stay as PostgreSQL writes them. */
export function parseTimestamp(text: string): string {
  if (text.charCodeAt(4) === 45 /* - */ && text.charCodeAt(10) === 32 /* space */ && text.endsWith('+00') && text.length >= 22) {
    const milliseconds = text.slice(20, -3).slice(0, 3).padEnd(3, '0');
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds}Z`;
  }
  const moment = new Date(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
  return Number.isNaN(moment.getTime()) ? text : moment.toISOString();
}

/** @throws RangeError for a number that JavaScript cannot hold exactly */
export function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large a number: select it as text.`);
  return value;
}

/** Of one dimension, with elements in which PostgreSQL needs no escapes: "{1,NULL}", '{"2026-01-02 03:04:05+00"}'. */
const arrayOf = (parse: Parser) => (text: string): unknown[] => {
  const inner = text.slice(1, -1);
  return inner === '' ? [] : inner.split(',').map(element => (element === 'NULL' ? null : parse(element.startsWith('"') ? element.slice(1, -1) : element)));
};
const asText: Parser = text => text;

/** By type oid (pg_type.dat). The rest is pg's own: json is parsed, bytea is a Buffer, float8 a number. */
const PARSERS = new Map<number, Parser>([
  [20, parseInteger], // int8
  [1016, arrayOf(parseInteger)],
  [1700, Number], // numeric
  [1231, arrayOf(Number)],
  [1184, parseTimestamp], // timestamptz
  [1185, arrayOf(parseTimestamp)],
  [1082, asText], // date: "2026-11-24"
  [1182, arrayOf(asText)],
]);

export const TYPES: pg.CustomTypesConfig = {
  getTypeParser: (oid, format): unknown => (format === 'binary' ? undefined : PARSERS.get(oid)) ?? pg.types.getTypeParser(oid, format),
};

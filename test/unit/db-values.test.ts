/** What PostgreSQL's text becomes, and which statements get a name. */
import * as assert from 'uvu/assert';
import { parseInteger, parseTimestamp } from '../../src/db/parsers.ts';
import { StatementNames } from '../../src/db/prepared.ts';
import { suite } from '../support/suite.ts';

const parsers = suite('database values');

parsers('times become RFC 3339 in UTC with milliseconds', () => {
  assert.is(parseTimestamp('2026-11-24 10:53:01.123456+00'), '2026-11-24T10:53:01.123Z');
  assert.is(parseTimestamp('2026-11-24 10:53:01.1+00'), '2026-11-24T10:53:01.100Z');
  assert.is(parseTimestamp('2026-11-24 10:53:01+00'), '2026-11-24T10:53:01.000Z');
});

parsers('times in another zone, as a pooler may give them, become the same', () => {
  assert.is(parseTimestamp('2026-11-24 16:23:01.5+05:30'), '2026-11-24T10:53:01.500Z');
  assert.is(parseTimestamp('2026-11-24 05:53:01-05'), '2026-11-24T10:53:01.000Z');
});

parsers('times that RFC 3339 cannot write stay as they are', () => {
  for (const text of ['infinity', '-infinity', '0044-03-15 12:00:00+00 BC']) assert.is(parseTimestamp(text), text);
});

parsers('whole numbers become numbers while those are exact', () => {
  assert.is(parseInteger('9007199254740991'), Number.MAX_SAFE_INTEGER);
  assert.throws(() => parseInteger('9007199254740993'), /too large/);
});

const names = suite('prepared statements');

names('a text gets a name when it comes again, and keeps it', () => {
  const given = new StatementNames();
  assert.is(given.nameOf('SELECT $1'), undefined);
  assert.is(given.nameOf('SELECT $1'), 's0');
  assert.is(given.nameOf('SELECT $1'), 's0');
  assert.is(given.nameOf('SELECT $2'), undefined);
  assert.is(given.nameOf('SELECT $2'), 's1');
});

names('names, memory and long texts are bounded', () => {
  const given = new StatementNames();
  for (let i = 0; i < 600; i += 1) given.nameOf(`SELECT ${Math.floor(i / 2)}`);
  assert.is(given.nameOf('SELECT 199'), 's199');
  assert.is(given.nameOf('SELECT 200'), undefined);
  const other = new StatementNames();
  const long = `SELECT ${'$1,'.repeat(5_000)}`;
  assert.equal([other.nameOf(long), other.nameOf(long)], [undefined, undefined]);
});

names('a forbidden text has no name any more', () => {
  const given = new StatementNames();
  given.nameOf('SELECT *');
  given.nameOf('SELECT *');
  given.forbid('SELECT *');
  assert.equal([given.nameOf('SELECT *'), given.nameOf('SELECT *')], [undefined, undefined]);
});

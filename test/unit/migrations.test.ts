/** Migrations run while the release before still works: none may lock a large table for long, or take away what that release uses. */
import * as assert from 'uvu/assert';
import { readMigrations } from '../../src/db/migrate.ts';
import { isConcurrent, withoutConcurrently } from '../../src/db/migrate-concurrently.ts';
import { statementsOf } from '../../src/db/sql-text.ts';
import { hazardsOf } from '../support/migration-rules.ts';
import { suite } from '../support/suite.ts';

/** Those before it were written when nobody had data. */
const FROM = '0030';

/** By file, how the statement begins: why it is good all the same. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '0031_notification_channels.sql': {
    'ADD CONSTRAINT notices_audience_check': 'notices is an outbox: a row lives for seconds, and there are a few hundred at most',
  },
  '0035_code_host_reports.sql': {
    'CREATE INDEX webhook_deliveries_waiting_idx': 'deliveries of code hosts, kept for 30 days: some 10,000 rows, and the condition is on a column that is new and null',
  },
  '0037_second_opinions.sql': {
    'ADD COLUMN origin text': 'advisories is written by imports alone, and some 300,000 rows are read in well under a second',
  },
};

const migrations = await readMigrations();
const rules = suite('migrations');

rules(`from ${FROM} on lock no large table for long, but for what is named here with its reason`, () => {
  const used = new Set<string>();
  const found = migrations.filter(({ name }) => name >= FROM).flatMap(({ name, text }) => hazardsOf(text).flatMap(({ statement, table, why }) => {
    const key = Object.keys(ALLOWED[name] ?? {}).find((begin) => statement.startsWith(begin));
    if (key === undefined) return [`${name}: "${statement.slice(0, 80)}" on ${table}: it ${why}`];
    used.add(`${name} ${key}`);
    return [];
  }));
  assert.equal(found, []);
  const named = Object.entries(ALLOWED).flatMap(([name, begins]) => Object.keys(begins).map((begin) => `${name} ${begin}`));
  assert.equal(named.filter((one) => !used.has(one)), [], 'what is allowed is there');
});

rules('of indexes that are built concurrently hold nothing else', () => {
  for (const { name, text } of migrations) {
    assert.is(isConcurrent(name), /\bINDEX CONCURRENTLY\b/i.test(statementsOf(text).join(' ')), name);
  }
});

const hazards = suite('hazards of a migration');
const tables = (text: string): string[] => hazardsOf(text).map(({ statement }) => statement);

hazards('are statements that read or write a whole table under a lock, or take something away', () => {
  for (const action of [
    'ADD COLUMN a uuid NOT NULL DEFAULT new_id()', 'ADD COLUMN a timestamptz DEFAULT clock_timestamp()', "ADD COLUMN a text NOT NULL DEFAULT 'x' CHECK (a IN ('x', 'y'))", 'ADD COLUMN a int UNIQUE', 'ADD COLUMN a int NOT NULL',
    'ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED', 'ALTER COLUMN a SET NOT NULL', 'ALTER a TYPE bigint', 'ALTER COLUMN a SET DATA TYPE text', 'ADD CONSTRAINT c CHECK (a > 0)', 'ADD FOREIGN KEY (a) REFERENCES b',
    'ADD CONSTRAINT c UNIQUE (a)', 'ADD PRIMARY KEY (a)', 'DROP COLUMN a', 'RENAME COLUMN a TO b', 'RENAME TO other', 'SET LOGGED',
  ]) assert.equal(tables(`ALTER TABLE big ${action};`), [action]);
  for (const statement of ['CREATE INDEX i ON big (a)', 'CREATE UNIQUE INDEX i ON big (a)', 'UPDATE big SET a = 1', 'DELETE FROM big', 'LOCK TABLE big', 'TRUNCATE big', 'DROP TABLE big']) assert.equal(tables(statement), [statement]);
  assert.equal(tables('ALTER TABLE big ADD COLUMN a int, ADD COLUMN b numeric(10, 2), ALTER c SET NOT NULL'), ['ALTER c SET NOT NULL']);
  assert.equal(tables('ALTER TABLE big ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE big VALIDATE CONSTRAINT c;'), ['VALIDATE CONSTRAINT c']);
});
hazards('are not in what takes a moment, nor in tables that the same file makes', () => {
  for (const text of [
    'CREATE TABLE big (a int); CREATE INDEX i ON big (a); ALTER TABLE big ADD CHECK (a > 0);', 'ALTER TABLE big ADD COLUMN a int;', "ALTER TABLE big ADD COLUMN a text[] NOT NULL DEFAULT '{osv}', ADD COLUMN b timestamptz NOT NULL DEFAULT now()",
    'ALTER TABLE big ADD CONSTRAINT c CHECK (a > 0) NOT VALID', 'ALTER TABLE big VALIDATE CONSTRAINT c', 'ALTER TABLE big ADD CONSTRAINT c UNIQUE USING INDEX i', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON big (a)',
    'ALTER TABLE big DROP CONSTRAINT c', '-- UPDATE big\nSELECT 1', "COMMENT ON TABLE big IS 'DROP TABLE big; UPDATE big'",
    'CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE big SET a = 1; END $$', 'INSERT INTO big VALUES (1) ON CONFLICT DO NOTHING',
  ]) assert.equal(tables(text), [], text);
});

const texts = suite('SQL texts');
texts('are split into statements at the semicolons that end them', () => {
  assert.equal(statementsOf("SELECT ';', \"a;b\" -- no; end\nFROM\n  t; /* a; b */ SELECT $$ x; y $$;\n\nSELECT $a$ ; $$ ; $a$, 4/2-1 ;"), ["SELECT ';', \"a;b\" FROM t", 'SELECT $$ x; y $$', 'SELECT $a$ ; $$ ; $a$, 4/2-1']);
  assert.equal(statementsOf('-- nothing\n;;'), []);
});
texts('of indexes built concurrently have a form for transactions', () => {
  assert.is(withoutConcurrently('CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a); DROP index  concurrently IF EXISTS j;'), 'CREATE INDEX IF NOT EXISTS i ON t (a); DROP INDEX IF EXISTS j;');
});

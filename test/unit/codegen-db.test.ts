/** The generator of generated/db.ts. */
import * as assert from 'uvu/assert';
import { allowedTexts, render } from '../../scripts/codegen-db.ts';
import { suite } from '../support/suite.ts';

const test = suite('database types');
const column = { table: 'some_things', name: 'x', type: 'text', isArray: false, isNullable: false, hasDefault: false, isComputed: false, labels: null, checks: [] };

test('a CHECK that lists texts gives them', () => {
  assert.equal(allowedTexts('x', "CHECK ((x = ANY (ARRAY['a'::text, 'it''s'::text])))"), ['a', "it's"]);
  assert.equal(allowedTexts('x', "CHECK (((x IS NULL) OR (x = ANY (ARRAY['a'::text, 'b'::text]))))"), ['a', 'b']);
  assert.equal(allowedTexts('x', "CHECK ((x = 'a'::text))"), ['a']);
  assert.equal(allowedTexts('x', "CHECK ((x <@ ARRAY['a'::text, 'b'::text]))"), ['a', 'b']);
});

test('a CHECK that says more or less than that gives none', () => {
  for (const check of ["CHECK ((x <> 'a'::text))", "CHECK (((x = 'a'::text) OR (length(x) > 9)))", 'CHECK ((length(x) > 3))', "CHECK ((y = ANY (ARRAY['a'::text])))"]) {
    assert.is(allowedTexts('x', check), undefined);
  }
});

test('columns become members, with unions, lists, nulls and defaults', () => {
  const text = render([
    { ...column, name: 'kind', checks: ["CHECK ((kind = ANY (ARRAY['a'::text, 'b'::text])))"], isNullable: true },
    { ...column, name: 'kinds', checks: ["CHECK ((kinds <@ ARRAY['a'::text, 'b'::text]))"], isArray: true, hasDefault: true },
    { ...column, name: 'at', type: 'timestamptz', isNullable: true },
    { ...column, name: 'number', type: 'int8', isComputed: true },
    { ...column, table: 'zoo', name: 'data', type: 'jsonb', hasDefault: true },
  ]);
  assert.match(text, [
    'export interface SomeThings {', "  kind: 'a' | 'b' | null;", "  kinds: Generated<('a' | 'b')[]>;", '  at: Timestamp | null;', '  number: Computed<number>;', '}', '',
    'export interface Zoo {', '  data: Generated<Json>;', '}', '', 'export interface DB {', '  some_things: SomeThings;', '  zoo: Zoo;', '}', '',
  ].join('\n'));
});

test('a type that nobody decided how to read stops the generator', () => {
  assert.throws(() => render([{ ...column, type: 'interval' }]), /some_things\.x: .* does not know the type interval/);
});

/** Which changes of schemas break clients: each rule in the direction in which it does, and the same change where it does not. */
import * as assert from 'uvu/assert';
import { breaks, inAnswers, inRequests, object, reference, text } from '../support/contract-versions.ts';
import { suite } from '../support/suite.ts';

const NONE: string[] = [];
const integer = { type: 'integer' };
const nullable = { type: ['string', 'null'] };

const types = suite('compatibility of types');
types('a type fewer in requests and a type more in answers break; the other way round they do not', () => {
  assert.equal(inRequests(object({ a: nullable }), object({ a: text })), ['request-type-narrowed .a']);
  assert.equal(inRequests(object({ a: text }), object({ a: nullable })), NONE);
  assert.equal(inAnswers(object({ a: text }), object({ a: nullable })), ['response-type-widened .a']);
  assert.equal(inAnswers(object({ a: nullable }), object({ a: text })), NONE);
});
types('an integer is a number', () => {
  assert.equal(inRequests(integer, { type: 'number' }), NONE);
  assert.equal(inRequests({ type: 'number' }, integer), ['request-type-narrowed']);
  assert.equal(inAnswers(integer, { type: 'number' }), ['response-type-widened']);
  assert.equal(inAnswers({ type: 'number' }, integer), NONE);
});
types('no type is any type, and a list of one type is that type', () => {
  assert.equal(inRequests({}, text), ['request-type-narrowed']);
  assert.equal(inRequests(text, {}), NONE);
  assert.equal(inAnswers(text, {}), ['response-type-widened']);
  assert.equal(inRequests({ type: ['string'] }, text), NONE);
  assert.equal(inAnswers(text, { type: ['string'] }), NONE);
});
types('items of arrays are looked at', () => {
  assert.equal(inRequests({ type: 'array', items: nullable }, { type: 'array', items: text }), ['request-type-narrowed []']);
  assert.equal(inAnswers(object({ list: { type: 'array', items: text } }), object({ list: { type: 'array', items: integer } })), ['response-type-widened .list[]']);
});

const values = suite('compatibility of enums');
values('a value fewer in requests breaks, a value more does not', () => {
  assert.equal(inRequests({ enum: ['a', 'b'] }, { enum: ['a'] }), ['request-value-removed']);
  assert.equal(inRequests({ enum: ['a', 'b'] }, { const: 'b' }), ['request-value-removed']);
  assert.equal(inRequests({ enum: ['a'] }, { enum: ['b', 'a'] }), NONE);
  assert.equal(inRequests(text, { type: 'string', enum: ['a'] }), ['request-value-removed']);
  assert.equal(inRequests({ type: 'string', enum: ['a'] }, text), NONE);
});
values('a value more in answers breaks, unless the released contract says that there will be more', () => {
  assert.equal(inAnswers({ enum: ['a'] }, { enum: ['a', 'b'] }), ['response-value-added']);
  assert.equal(inAnswers({ type: 'string', enum: ['a'] }, text), ['response-value-added']);
  assert.equal(inAnswers({ enum: ['a'], 'x-extensible': true }, { enum: ['a', 'b'], 'x-extensible': true }), NONE);
  assert.equal(inAnswers({ enum: ['a'] }, { enum: ['a', 'b'], 'x-extensible': true }), ['response-value-added']);
  assert.equal(inAnswers({ enum: ['a', 'b'] }, { enum: ['b'] }), NONE);
});

const bounds = suite('compatibility of bounds and formats');
bounds('tighter bounds in requests break, looser ones do not, and in answers none does', () => {
  const pairs: [string, number, number][] = [['maxLength', 9, 8], ['minLength', 0, 1], ['minimum', 1, 2], ['maximum', 2, 1], ['exclusiveMinimum', 0, 1], ['exclusiveMaximum', 5, 4], ['maxItems', 2, 1], ['minItems', 1, 2], ['minProperties', 0, 1], ['maxProperties', 3, 2]];
  for (const [name, loose, tight] of pairs) {
    assert.equal(inRequests({ [name]: loose }, { [name]: tight }), ['request-bound-tightened'], name);
    assert.equal(inRequests({ [name]: tight }, { [name]: loose }), NONE, name);
    assert.equal(inRequests({}, { [name]: tight }), ['request-bound-tightened'], name);
    assert.equal(inRequests({ [name]: tight }, {}), NONE, name);
    assert.equal(inAnswers({ [name]: tight }, { [name]: loose }), NONE, name);
  }
});
bounds('another pattern, or one where there was none, breaks requests', () => {
  assert.equal(inRequests({ pattern: '^a' }, { pattern: '^b' }), ['request-bound-tightened']);
  assert.equal(inRequests(text, { type: 'string', pattern: '^b' }), ['request-bound-tightened']);
  assert.equal(inRequests({ pattern: '^a' }, {}), NONE);
  assert.equal(inRequests({ type: 'array' }, { type: 'array', uniqueItems: true }), ['request-bound-tightened']);
});
bounds('a format more in requests and a format fewer in answers break', () => {
  assert.equal(inRequests(text, { type: 'string', format: 'uuid' }), ['request-format-tightened']);
  assert.equal(inRequests({ type: 'string', format: 'uuid' }, text), NONE);
  assert.equal(inAnswers({ type: 'string', format: 'date-time' }, text), ['response-format-loosened']);
  assert.equal(inAnswers(text, { type: 'string', format: 'date-time' }), NONE);
});
bounds('another default breaks those who leave it out', () => {
  assert.equal(inRequests({ default: 50 }, { default: 20 }), ['request-default-changed']);
  assert.equal(inRequests({ default: 50 }, {}), ['request-default-changed']);
  assert.equal(inRequests({}, { default: 20 }), NONE);
});

const members = suite('compatibility of properties');
members('what is new and required, or no longer optional, breaks requests; with a default it does not', () => {
  assert.equal(inRequests(object({}), object({ a: text }, { required: ['a'] })), ['request-property-required .a']);
  assert.equal(inRequests(object({ a: text }), object({ a: text }, { required: ['a'] })), ['request-property-required .a']);
  assert.equal(inRequests(object({}), object({ a: { default: 'x' } }, { required: ['a'] })), NONE);
  assert.equal(inRequests(object({ a: text }, { required: ['a'] }), object({ a: text, b: text })), NONE);
});
members('what is gone breaks both who send and who read it; what is new is for everyone to ignore', () => {
  const closed = { additionalProperties: false };
  assert.equal(inRequests(object({ a: text, b: text }, closed), object({ b: text }, closed)), ['request-property-removed .a']);
  assert.equal(inRequests(object({ a: text }), object({})), ['request-property-removed .a']);
  assert.equal(inAnswers(object({ a: text, b: text }), object({ b: text })), ['response-property-removed .a']);
  assert.equal(inAnswers(object({ a: text }, { ...closed, required: ['a'] }), object({ b: text }, closed)), ['response-property-removed .a']);
  assert.equal(inAnswers(object({ a: text }, closed), object({ a: text, b: text }, closed)), NONE);
});
members('what was always in answers must stay there', () => {
  assert.equal(inAnswers(object({ a: text }, { required: ['a'] }), object({ a: text })), ['response-property-optional .a']);
  assert.equal(inAnswers(object({ a: text }), object({ a: text }, { required: ['a'] })), NONE);
});
members('members by any name: refused, or of another type', () => {
  assert.equal(inRequests(object({}), object({}, { additionalProperties: false })), ['request-members-refused']);
  assert.equal(inRequests(object({}, { additionalProperties: false }), object({})), NONE);
  assert.equal(inRequests(object({}, { additionalProperties: nullable }), object({}, { additionalProperties: text })), ['request-type-narrowed {}']);
  assert.equal(inAnswers(object({}, { additionalProperties: integer }), object({}, { additionalProperties: true })), ['response-type-widened {}']);
});

const composed = suite('compatibility of composed schemas');
composed('an alternative fewer in requests and one more in answers break', () => {
  const schemas = { A: object({ a: text }, { required: ['a'], additionalProperties: false }), B: object({ b: text }, { required: ['b'], additionalProperties: false }) };
  const both = { oneOf: [reference('A'), reference('B')] };
  const one = { oneOf: [reference('A')] };
  assert.equal(inRequests(both, one, schemas).length > 0, true);
  assert.equal(inRequests(one, both, schemas), NONE);
  assert.equal(inAnswers(one, both, schemas).length > 0, true);
  assert.equal(inAnswers(both, one, schemas), NONE);
  assert.equal(inRequests(both, { oneOf: [reference('B'), reference('A')] }, schemas), NONE);
  assert.equal(inAnswers(reference('A'), { oneOf: [reference('A'), { type: 'null' }] }, schemas), ['response-alternative-added']);
  assert.equal(inRequests({ oneOf: [reference('A'), { type: 'null' }] }, reference('A'), schemas), ['request-alternative-removed']);
});
composed('ways to say the same are the same', () => {
  assert.equal(inAnswers(nullable, { oneOf: [text, { type: 'null' }] }), NONE);
  assert.equal(inAnswers({ oneOf: [text, { type: 'null' }] }, nullable), NONE);
  assert.equal(inRequests(nullable, { anyOf: [{ type: 'null' }, text] }), NONE);
  const joined = { allOf: [object({ a: text }, { required: ['a'] }), object({ b: integer })] };
  const plain = object({ a: text, b: integer }, { required: ['a'] });
  for (const compare of [inRequests, inAnswers]) for (const [was, is] of [[joined, plain], [plain, joined]] as const) assert.equal(compare(was, is), NONE);
  assert.equal(inAnswers(joined, object({ a: text, b: integer })), ['response-property-optional .a']);
});
composed('a change within an alternative is told where it is', () => {
  const was = { oneOf: [object({ kind: { const: 'a' }, size: integer }), object({ kind: { const: 'b' } })] };
  const is = { oneOf: [object({ kind: { const: 'a' }, size: { type: 'integer', maximum: 9 } }), object({ kind: { const: 'b' } })] };
  assert.equal(inRequests(was, is), ['request-bound-tightened .size']);
});
composed('a named schema is told once, by its name, for all who refer to it, also to itself', () => {
  const tree = (more: object): { Tree: { [member: string]: never } | ReturnType<typeof object> } => ({ Tree: object({ name: { ...text, ...more }, parts: { type: 'array', items: reference('Tree') } }) });
  const twice = object({ one: reference('Tree'), two: reference('Tree') });
  assert.equal(breaks({ request: twice, response: twice, schemas: tree({}) }, { request: twice, response: twice, schemas: tree({ maxLength: 5 }) }), ['request-bound-tightened Tree.name']);
});
composed('a schema of another name counts by what it holds, also where it holds itself', () => {
  const list = (name: string, value: ReturnType<typeof object>): Record<string, ReturnType<typeof object>> => ({ [name]: object({ value, next: reference(name) }) });
  const was = { response: reference('List'), schemas: list('List', text) };
  assert.equal(breaks(was, { response: reference('Chain'), schemas: list('Chain', text) }), NONE);
  assert.equal(breaks(was, { response: reference('Chain'), schemas: list('Chain', integer) }), ['response-type-widened createThing 201 application/json.value']);
});

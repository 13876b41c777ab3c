/** Which plain values a schema takes that another one does not: types, values, formats, bounds. */
import { shown, type Change, type Direction, type Rule } from './changes.ts';
import type { Json, JsonObject } from '../generate/document.ts';

const TYPES = ['null', 'boolean', 'object', 'array', 'integer', 'number', 'string'];
const LOWER_BOUNDS = ['minLength', 'minimum', 'exclusiveMinimum', 'minItems', 'minProperties', 'minContains'];
const UPPER_BOUNDS = ['maxLength', 'maximum', 'exclusiveMaximum', 'maxItems', 'maxProperties', 'maxContains'];
/** Any change of these may refuse what was taken. */
const REQUEST_CONSTRAINTS = ['pattern', 'multipleOf', 'contains', 'not', 'if', 'then', 'else', 'propertyNames', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties', 'unevaluatedItems', 'contentMediaType', 'contentEncoding'];
/** These are the shape of what comes. */
const SHAPES = ['patternProperties', 'prefixItems'];

type Found = Omit<Change, 'place'>;
/** Both flat. The giver's values are to fit the taker. */
type Pair = { giver: JsonObject; taker: JsonObject };

/** In requests clients give what the old contract described and the new one takes; in answers it is the other way round. */
export function valueChanges({ giver, taker }: Pair, direction: Direction): Found[] {
  const extra = typesOf(giver).filter((type) => !typesOf(taker).includes(type) && !(type === 'integer' && typesOf(taker).includes('number')));
  if (extra.length > 0) return [found(direction, 'request-type-narrowed', 'response-type-widened', `${extra.join(', ')} ${direction === 'request' ? 'is taken no more' : 'may come, which could not before'}`)];
  return [...enumChanges({ giver, taker }, direction), ...formatChanges({ giver, taker }, direction), ...boundChanges({ giver, taker }, direction), ...defaultChanges({ giver, taker }, direction)];
}

function found(direction: Direction, inRequests: Rule, inAnswers: Rule, text: string): Found {
  return { rule: direction === 'request' ? inRequests : inAnswers, text };
}

function typesOf(schema: JsonObject): string[] {
  if (schema['type'] !== undefined) return [schema['type']].flat().map(String);
  const values = valuesOf(schema);
  return values === null ? TYPES : [...new Set(values.map(typeOf))];
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
}

/** Of `enum` or `const`; null where any value may be. */
function valuesOf(schema: JsonObject): Json[] | null {
  if (schema['const'] !== undefined) return [schema['const']];
  return Array.isArray(schema['enum']) ? schema['enum'] : null;
}

/** New values in answers break nobody where the released contract said that there will be more (`x-extensible`). */
function enumChanges({ giver, taker }: Pair, direction: Direction): Found[] {
  const taken = valuesOf(taker);
  if (taken === null || (direction === 'response' && taker['x-extensible'] === true)) return [];
  const given = valuesOf(giver);
  const known = new Set(taken.map((value) => JSON.stringify(value)));
  const extra = given?.filter((value) => !known.has(JSON.stringify(value))) ?? null;
  if (extra?.length === 0) return [];
  const words = extra === null ? 'values beside the listed ones' : extra.map(shown).join(', ');
  return [found(direction, 'request-value-removed', 'response-value-added', `${words} ${direction === 'request' ? 'no longer taken' : 'may come; only of enums with x-extensible clients expect that'}`)];
}

function formatChanges({ giver, taker }: Pair, direction: Direction): Found[] {
  const wanted = taker['format'];
  if (wanted === undefined || giver['format'] === wanted || valuesOf(giver) !== null) return [];
  const [was, is] = direction === 'request' ? [giver['format'], wanted] : [wanted, giver['format']];
  return [found(direction, 'request-format-tightened', 'response-format-loosened', `format was ${shown(was)}, is ${shown(is)}`)];
}

/** Answers may be longer or larger than before: clients do not live by the bounds of what they get. */
function boundChanges({ giver, taker }: Pair, direction: Direction): Found[] {
  const faults = [
    ...LOWER_BOUNDS.filter((name) => direction === 'request' && number(taker[name], -Infinity) > number(giver[name], name === 'minimum' || name === 'exclusiveMinimum' ? -Infinity : 0)),
    ...UPPER_BOUNDS.filter((name) => direction === 'request' && number(taker[name], Infinity) < number(giver[name], Infinity)),
    ...REQUEST_CONSTRAINTS.filter((name) => direction === 'request' && taker[name] !== undefined && differ(giver[name], taker[name])),
    ...(direction === 'request' && taker['uniqueItems'] === true && giver['uniqueItems'] !== true ? ['uniqueItems'] : []),
    ...SHAPES.filter((name) => taker[name] !== undefined && differ(giver[name], taker[name])),
  ].filter((name) => !(valuesOf(giver) !== null && valuesOf(taker) !== null && name !== 'not')); // lists of values have been compared as such
  const [was, is] = direction === 'request' ? [giver, taker] : [taker, giver];
  return faults.map((name) => found(direction, 'request-bound-tightened', 'response-bound-changed', `${name} was ${shown(was[name])}, is ${shown(is[name])}`));
}

/** Who leaves something out gets another behaviour. */
function defaultChanges({ giver, taker }: Pair, direction: Direction): Found[] {
  if (direction === 'response' || giver['default'] === undefined || !differ(giver['default'], taker['default'])) return [];
  return [{ rule: 'request-default-changed', text: `the default was ${shown(giver['default'])}, is ${shown(taker['default'])}` }];
}

const number = (value: Json | undefined, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
const differ = (one: Json | undefined, other: Json | undefined): boolean => JSON.stringify(one) !== JSON.stringify(other);

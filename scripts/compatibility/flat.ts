/** Schemas made comparable: references followed, `allOf` joined, `oneOf` and `anyOf` as a list of alternatives. */
import { isRecord } from '../../src/core/values.ts';
import type { Json, JsonObject } from '../generate/document.ts';

export type Schemas = Readonly<Record<string, JsonObject>>;

const PREFIX = '#/components/schemas/';
/** Keywords that say nothing about which values fit. */
const ANNOTATIONS = new Set(['title', 'description', 'default', 'examples', 'example', 'deprecated', 'readOnly', 'writeOnly', 'discriminator', 'externalDocs']);

export const isObject = (value: Json | undefined): value is JsonObject => isRecord(value);
export const textsOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);
export const membersOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {});

/** `true` and what is missing take anything, `false` takes nothing. */
export const schemaOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : value === false ? { type: [] } : {});

/** Name of the schema that this one only refers to. */
export function referenceOf({ $ref }: JsonObject): string | null {
  return typeof $ref === 'string' && $ref.startsWith(PREFIX) ? $ref.slice(PREFIX.length) : null;
}

/** What a reference leads to; another schema itself. */
export function resolved(schema: JsonObject, schemas: Schemas): JsonObject {
  const name = referenceOf(schema);
  if (name === null) return schema;
  const found = schemas[name];
  if (found === undefined) throw new Error(`${PREFIX}${name} leads nowhere`);
  return resolved(found, schemas);
}

/** Without `$ref` and `allOf` at its top. */
export function flat(given: JsonObject, schemas: Schemas): JsonObject {
  const schema = resolved(given, schemas);
  const { allOf, ...rest } = schema;
  return Array.isArray(allOf) ? allOf.map((part) => flat(schemaOf(part), schemas)).reduce(joined, rest) : schema;
}

/** What fits both. Keywords that cannot be joined are taken from the second. */
function joined(one: JsonObject, other: JsonObject): JsonObject {
  const both: JsonObject = { ...one, ...other };
  const [types, more] = [one['type'], other['type']];
  if (types !== undefined && more !== undefined) both['type'] = [types].flat().filter((type) => [more].flat().includes(type));
  if (Array.isArray(one['enum']) && Array.isArray(other['enum'])) both['enum'] = one['enum'].filter((value) => textsIn(other['enum']).includes(JSON.stringify(value)));
  if (one['required'] !== undefined && other['required'] !== undefined) both['required'] = [...new Set([...textsOf(one['required']), ...textsOf(other['required'])])];
  if (isObject(one['properties']) && isObject(other['properties'])) both['properties'] = joinedProperties(one['properties'], other['properties']);
  for (const key of Object.keys(other)) {
    const [first, second] = [one[key], other[key]];
    if (typeof first !== 'number' || typeof second !== 'number') continue;
    if (/^min|^exclusiveMin/.test(key)) both[key] = Math.max(first, second);
    if (/^max|^exclusiveMax/.test(key)) both[key] = Math.min(first, second);
  }
  return both;
}

function joinedProperties(one: JsonObject, other: JsonObject): JsonObject {
  return { ...one, ...Object.fromEntries(Object.entries(other).map(([name, schema]) => [name, one[name] === undefined ? schema : { allOf: [one[name], schema] }])) };
}

const textsIn = (values: Json | undefined): string[] => (Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : []);

/** What a value may be instead: one schema, or those of `oneOf` or `anyOf`, each with what stands beside them. */
export function alternativesOf(schema: JsonObject, schemas: Schemas): JsonObject[] {
  const { oneOf, anyOf, ...base } = flat(schema, schemas);
  const list = oneOf ?? anyOf;
  if (!Array.isArray(list)) return [schema];
  const alone = Object.keys(base).every((key) => ANNOTATIONS.has(key) || key.startsWith('x-'));
  return list.map((part) => (alone ? schemaOf(part) : joined(base, flat(schemaOf(part), schemas))));
}

/** One schema for each of its types. */
export function splitByType(schema: JsonObject, schemas: Schemas): JsonObject[] {
  const { type, ...rest } = flat(schema, schemas);
  return Array.isArray(type) && type.length > 1 ? type.map((each) => ({ ...rest, type: each })) : [schema];
}

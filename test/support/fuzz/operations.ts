/** The operations of the contract as the fuzz sees them: parameters and bodies with their schemas, references followed. */
import { readFileSync } from 'node:fs';
import { operationIds, operations } from '../../../generated/operations.ts';
import { isRecord } from '../../../src/core/values.ts';
import type { OperationId } from '../../../src/http/types.ts';
import { member } from '../contract.ts';

export type Schema = Readonly<Record<string, unknown>>;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  required: boolean;
  schema: Schema;
}

export interface Operation {
  id: OperationId;
  method: string;
  path: string;
  /** Whoever has no credential gets 401. */
  guarded: boolean;
  parameters: readonly Parameter[];
  /** Schema by media type. */
  bodies: readonly (readonly [mediaType: string, schema: Schema])[];
}

const document: unknown = JSON.parse(readFileSync(new URL('../../../generated/openapi.json', import.meta.url), 'utf8'));

/** The schema, or what its `$ref` names; members of `allOf` are merged in. */
export function follow(node: unknown): Schema {
  if (!isRecord(node)) return {};
  const { $ref: reference } = node;
  if (typeof reference === 'string') return follow(member(document, ...reference.slice(2).split('/')));
  const all: unknown = node['allOf'];
  return Array.isArray(all) ? { ...Object.fromEntries(all.flatMap((one: unknown) => Object.entries(follow(one)))), ...node, allOf: undefined } : node;
}

const PLACES = ['path', 'query', 'header', 'cookie'] as const;

function parameterOf(node: unknown): Parameter[] {
  const found = follow(node);
  const place = PLACES.find((one) => one === found['in']);
  return place === undefined ? [] : [{ name: String(found['name']), in: place, required: found['required'] === true, schema: follow(found['schema']) }];
}

const list = (node: unknown): unknown[] => (Array.isArray(node) ? node : []);

/** All of them, in the contract's order. */
export const OPERATIONS: readonly Operation[] = operationIds.map((id) => {
  const { method, path, access } = operations[id];
  const at = member(document, 'paths', path);
  const content = member(follow(member(at, method, 'requestBody')), 'content');
  return {
    id, method: method.toUpperCase(), path, guarded: !('public' in access),
    parameters: [...list(member(at, 'parameters')), ...list(member(at, method, 'parameters'))].flatMap(parameterOf),
    bodies: Object.entries(isRecord(content) ? content : {}).map(([mediaType, body]) => [mediaType, follow(member(body, 'schema'))] as const),
  };
});

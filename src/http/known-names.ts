/** What a request might have named instead of a name that the contract does not know: looked up in it when somebody is wrong, never before. */
import document from '../../generated/openapi.json' with { type: 'json' };
import { operations } from '../../generated/operations.ts';
import { isRecord } from '../core/values.ts';
import type { OperationId } from './types.ts';

/** Query parameters of an operation. */
export function knownParameters(operationId: OperationId): string[] {
  const own = member(operationOf(operationId), 'parameters');
  const shared = member(member(document.paths, operations[operationId].path), 'parameters');
  return [shared, own].flatMap(listOf).map(resolved)
    .flatMap((parameter) => (isRecord(parameter) && parameter['in'] === 'query' && typeof parameter['name'] === 'string' ? [parameter['name']] : []));
}

/** Members that the object at a JSON pointer of the body may have. */
export function knownMembers(operationId: OperationId, mediaType: string, pointer: string): string[] {
  const content = member(resolved(member(operationOf(operationId), 'requestBody')), 'content');
  const root = member(member(content, mediaType), 'schema');
  const schemas = pointer.split('/').slice(1).reduce((level, step) => level.flatMap((schema) => below(schema, step)), alternatives(root));
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema['properties'] ?? {})))];
}

function below(schema: Record<string, unknown>, step: string): Record<string, unknown>[] {
  return alternatives(member(schema['properties'], step) ?? schema['items'] ?? schema['additionalProperties']);
}

/** The schema, and those that it is put together from. */
function alternatives(node: unknown): Record<string, unknown>[] {
  const schema = resolved(node);
  if (!isRecord(schema)) return [];
  const parts = [schema['allOf'], schema['anyOf'], schema['oneOf']].flatMap(listOf);
  return [schema, ...parts.flatMap(alternatives)];
}

const listOf = (node: unknown): unknown[] => (Array.isArray(node) ? node : []);
const operationOf = (operationId: OperationId): unknown => member(member(document.paths, operations[operationId].path), operations[operationId].method);
const member = (node: unknown, name: string): unknown => (isRecord(node) && Object.hasOwn(node, name) ? node[name] : undefined);

/** What a `$ref` of the bundled contract leads to. */
function resolved(node: unknown): unknown {
  const ref = member(node, '$ref');
  if (typeof ref !== 'string') return node;
  const root: unknown = document;
  return resolved(ref.slice(2).split('/').reduce(member, root));
}

/** What breaks in an operation: its parameters, its body, its answers. Problems may come and go, since clients must expect any, but they keep their shape. */
import type { JsonObject, MediaType, Operation, OperationEntry, Parameter, ResponseObject } from '../generate/document.ts';
import type { Change, Direction } from './changes.ts';
import { membersOf, schemaOf } from './flat.ts';

/** A pair of schemas that is to be compared. */
export interface Task {
  was: JsonObject;
  is: JsonObject;
  place: string;
  direction: Direction;
}

export interface Findings {
  changes: Change[];
  tasks: Task[];
}

type Headers = Readonly<Record<string, JsonObject>>;

export const together = (all: readonly Findings[]): Findings => ({ changes: all.flatMap(({ changes }) => changes), tasks: all.flatMap(({ tasks }) => tasks) });

const only = (...changes: Change[]): Findings => ({ changes, tasks: [] });

/** @param headers of both documents that answers refer to */
export function operationChanges(was: OperationEntry, is: OperationEntry, headers: { was: Headers; is: Headers }): Findings {
  const place = was.operation.operationId;
  const renamed = is.operation.operationId === place ? [] : [{ rule: 'operation-renamed' as const, place, text: `it is ${is.operation.operationId} now: the names in generated clients change` }];
  return together([
    only(...renamed),
    ...was.parameters.map((parameter) => parameterChanges(parameter, is.parameters.find((other) => sameParameter(parameter, other)), place)),
    only(...newParameters(was, is, place)),
    openQueryChanges(was.operation, is.operation),
    bodyChanges(was.operation, is.operation, 'request'),
    ...Object.entries(was.operation.responses).map(([status, response]) => answerChanges(response, is.operation.responses[status], `${place} ${status}`, headers, /^[123]/.test(status))),
  ]);
}

const sameParameter = (one: Parameter, other: Parameter): boolean => one.in === other.in && (one.in === 'header' ? one.name.toLowerCase() === other.name.toLowerCase() : one.name === other.name);

/** `?limit`, `{id}`, `If-Match:` */
function partOf({ name, in: where }: Parameter): string {
  return { query: `?${name}`, path: `{${name}}`, header: `${name}:`, cookie: `cookie ${name}` }[where];
}

const styleOf = ({ style, explode }: Parameter): string => JSON.stringify({ style, explode });

function parameterChanges(was: Parameter, is: Parameter | undefined, operationId: string): Findings {
  const place = `${operationId} ${partOf(was)}`;
  if (is === undefined) return only({ rule: 'parameter-removed', place, text: was.in === 'query' ? 'it is refused now, as are all that are not described' : 'it is read no more' });
  const fields = (was['x-sort-fields'] ?? []).filter((field) => !(is['x-sort-fields'] ?? []).includes(field));
  const [former, present] = [styleOf(was), styleOf(is)];
  return {
    changes: [
      ...(is.required === true && was.required !== true ? [{ rule: 'parameter-required' as const, place, text: 'it could be left out, and now cannot' }] : []),
      ...(fields.length > 0 ? [{ rule: 'sort-field-removed' as const, place, text: `${fields.join(', ')} no longer taken` }] : []),
      ...(former === present ? [] : [{ rule: 'parameter-style-changed' as const, place, text: `it was written as ${former}, is as ${present}` }]),
    ],
    tasks: [{ was: was.schema, is: is.schema, place, direction: 'request' }],
  };
}

function newParameters(was: OperationEntry, is: OperationEntry, place: string): Change[] {
  return is.parameters
    .filter((parameter) => parameter.required === true && !was.parameters.some((other) => sameParameter(other, parameter)))
    .map((parameter) => ({ rule: 'parameter-required', place: `${place} ${partOf(parameter)}`, text: 'it is new, and required' }));
}

function openQueryChanges(was: Operation, is: Operation): Findings {
  const closed = was['x-open-query'] === true && is['x-open-query'] !== true;
  return closed ? only({ rule: 'request-members-refused', place: `${was.operationId} ?`, text: 'query parameters that are not described were ignored, and are refused now' }) : only();
}

/** @param direction `response` for the bodies of webhooks, which we send */
export function bodyChanges({ operationId, requestBody: was }: Operation, { requestBody: is }: Operation, direction: Direction): Findings {
  const place = `${operationId} body`;
  if (was === undefined) return is?.required === true && direction === 'request' ? only({ rule: 'request-body-required', place, text: 'there was none, and now it must be' }) : only();
  if (is === undefined) return only({ rule: direction === 'request' ? 'request-body-removed' : 'response-media-type-removed', place, text: 'there is none any more' });
  const required = is.required === true && was.required !== true && direction === 'request';
  return together([
    required ? only({ rule: 'request-body-required', place, text: 'it could be left out, and now cannot' }) : only(),
    contentChanges(was.content, is.content, place, direction),
  ]);
}

function contentChanges(was: Record<string, MediaType>, is: Record<string, MediaType>, place: string, direction: Direction): Findings {
  return together(Object.entries(was).map(([type, { schema }]): Findings => {
    const other = is[type];
    if (other === undefined) return only({ rule: direction === 'request' ? 'request-media-type-removed' : 'response-media-type-removed', place: `${place} ${type}`, text: 'it is gone' });
    return { changes: [], tasks: [{ was: schemaOf(schema), is: schemaOf(other.schema), place: `${place} ${type}`, direction }] };
  }));
}

function answerChanges(was: ResponseObject, is: ResponseObject | undefined, place: string, headers: { was: Headers; is: Headers }, isSuccess: boolean): Findings {
  if (is === undefined) return isSuccess ? only({ rule: 'response-status-removed', place, text: 'this success is gone' }) : only();
  return together([
    contentChanges(was.content ?? {}, is.content ?? {}, place, 'response'),
    ...Object.entries(was.headers ?? {}).map(([name, header]): Findings => {
      const other = is.headers?.[name];
      if (other === undefined) return only({ rule: 'response-header-removed', place: `${place} ${name}`, text: 'this header comes no more' });
      const [before, now] = [headerOf(schemaOf(header), headers.was), headerOf(schemaOf(other), headers.is)];
      return { changes: [], tasks: [{ was: schemaOf(before['schema']), is: schemaOf(now['schema']), place: `${place} ${name}`, direction: 'response' }] };
    }),
  ]);
}

function headerOf(header: JsonObject, known: Headers): JsonObject {
  const { $ref } = header;
  return typeof $ref === 'string' ? membersOf(known[$ref.replace('#/components/headers/', '')]) : header;
}

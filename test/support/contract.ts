/**
 * The contract client: sends by operationId and holds every answer against the contract with a validator that the server does not
 * use. An undeclared status, content type or member fails the test.
 */
import { readFileSync } from 'node:fs';
import * as dialect from '@hyperjump/json-schema/openapi-3-1';
import { BASIC } from '@hyperjump/json-schema/experimental';
import '@hyperjump/json-schema/formats';
import * as assert from 'uvu/assert';
import { operations } from '../../generated/operations.ts';
import { isRecord } from '../../src/core/values.ts';
import type { OperationId } from '../../src/http/types.ts';
import { recordCoverage } from './coverage.ts';

export interface CallOptions {
  path?: Record<string, string>;
  query?: Record<string, string | number | boolean | string[]>;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is, with `contentType`. */
  raw?: string | Uint8Array;
  contentType?: string;
  form?: FormData;
  /** In front of the path: `/api`. */
  prefix?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Parsed where the answer is JSON. */
  body: unknown;
}

const DOCUMENT_URI = 'https://contract.test/openapi.json';
const document: unknown = JSON.parse(readFileSync(new URL('../../generated/openapi.json', import.meta.url), 'utf8'));

const { registerSchema, validate } = dialect;
const setShouldValidateFormat: unknown = Reflect.get(dialect, 'setShouldValidateFormat'); // exported, but missing from its types
assert.ok(typeof setShouldValidateFormat === 'function');
Reflect.apply(setShouldValidateFormat, null, [true]);
// eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- its type knows schemas only, it takes OpenAPI documents
registerSchema(closed(document) as never, DOCUMENT_URI, 'https://spec.openapis.org/oas/3.1/schema-base');
const validators = new Map<string, Promise<dialect.Validator>>();

/** Closes every response object that lists its members, so that an undeclared one is a fault. */
function closed(node: unknown, insideAllOf = false): unknown {
  if (Array.isArray(node)) return node.map((item) => closed(item, insideAllOf));
  if (!isRecord(node)) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, key === 'examples' || key === 'example' || key === 'default' ? value : closed(value, key === 'allOf')]));
  if (!insideAllOf && isRecord(copy['properties']) && copy['additionalProperties'] === undefined && (copy['type'] === 'object' || copy['required'] !== undefined)) copy['additionalProperties'] = false;
  return copy;
}

export class ContractClient {
  readonly baseUrl: string;
  /** The access token, for the WebSocket. */
  readonly token: string | undefined;
  readonly #authorization: string | null;

  constructor(baseUrl: string, token?: string) {
    this.baseUrl = baseUrl;
    this.token = token;
    this.#authorization = token === undefined ? null : `Bearer ${token}`;
  }

  /** The same server as somebody else. */
  as(token: string): ContractClient {
    return new ContractClient(this.baseUrl, token);
  }

  async signIn(email: string, password: string): Promise<ContractClient> {
    const { body } = await this.expect(200, 'loginUser', { json: { email, password } });
    return this.as(String(member(body, 'access_token')));
  }

  /** Sends, and holds the answer against the contract. */
  async call(operationId: OperationId, options: CallOptions = {}): Promise<Answer> {
    const { method, path } = operations[operationId];
    const url = new URL(this.baseUrl + (options.prefix ?? '') + path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(options.path?.[name] ?? '')));
    for (const [name, value] of Object.entries(options.query ?? {})) for (const one of [value].flat()) url.searchParams.append(name, String(one));
    const { body, type } = payload(options);
    const response = await fetch(url, {
      method: method.toUpperCase(), redirect: 'manual',
      headers: { ...(this.#authorization === null ? {} : { Authorization: this.#authorization }), ...(type === null ? {} : { 'Content-Type': type }), ...options.headers },
      ...(body === null ? {} : { body }),
    });
    const answer = await read(response);
    await holdAnswer(operationId, answer);
    recordCoverage(operationId, answer.status);
    return answer;
  }

  /** Sends, and asserts the status. */
  async expect(status: number, operationId: OperationId, options: CallOptions = {}): Promise<Answer> {
    const answer = await this.call(operationId, options);
    assert.is(answer.status, status, `${operationId} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
    return answer;
  }

  /** Asserts that the session of this client is over: processes hear of its end from the database, within milliseconds. */
  async isOut(): Promise<void> {
    const deadline = Date.now() + 5_000;
    let status = 200;
    while (status === 200 && Date.now() < deadline) ({ status } = await this.call('getMe'));
    assert.is(status, 401);
  }

  /** Sends, and asserts a problem by its slug. */
  async refused(slug: string, operationId: OperationId, options: CallOptions = {}): Promise<Record<string, unknown>> {
    const { status, body, text } = await this.call(operationId, options);
    assert.ok(isRecord(body) && typeof body['type'] === 'string' && body['type'].endsWith(slug), `${operationId} should be refused as ${slug}, answered ${status}: ${text.slice(0, 500)}`);
    return isRecord(body) ? body : {};
  }
}

function payload(options: CallOptions): { body: string | Uint8Array<ArrayBuffer> | FormData | null; type: string | null } {
  if (options.form !== undefined) return { body: options.form, type: null };
  if (options.raw !== undefined) return { body: typeof options.raw === 'string' ? options.raw : new Uint8Array(options.raw), type: options.contentType ?? 'application/json' };
  if (options.json !== undefined) return { body: JSON.stringify(options.json), type: options.contentType ?? 'application/json' };
  return { body: null, type: options.contentType ?? null };
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /^application\/([\w.-]+\+)?json/.test(response.headers.get('Content-Type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** The contract's first example of the operation's JSON body; nothing where it takes none. */
export function exampleBody(operationId: OperationId): { json: unknown } | Record<string, never> {
  const { path, method } = operations[operationId];
  const schema = member(document, 'paths', path, method, 'requestBody', 'content', 'application/json', 'schema');
  const reference = member(schema, '$ref');
  const resolved = typeof reference === 'string' ? member(document, ...reference.slice(2).split('/')) : schema;
  const example = member(resolved, 'examples', 0);
  return example === undefined ? {} : { json: example };
}

/** A member of an answer's object. */
export function member(body: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((node, key) => {
    if (Array.isArray(node)) return node[Number(key)];
    return isRecord(node) ? node[key] : undefined;
  }, body);
}

/** The rows of a list's answer. */
export function itemsOf(body: unknown): Record<string, unknown>[] {
  const items = member(body, 'items');
  return Array.isArray(items) ? items.filter(isRecord) : [];
}

/** Holds the body of a webhook that was sent against what the contract says of its type. */
export async function holdWebhook(body: unknown): Promise<void> {
  const type = String(member(body, 'type'));
  const at = ['webhooks', type, 'post', 'requestBody', 'content', 'application/json', 'schema'];
  assert.ok(isRecord(member(document, ...at)), `the webhook '${type}' is not in the contract`);
  await holdAgainst(at, body, `webhook ${type}`);
}

export const declares = (operationId: OperationId, status: number): boolean => member(document, 'paths', operations[operationId].path, operations[operationId].method, 'responses', String(status)) !== undefined;

/** @param at where the schema stands in the contract */
async function holdAgainst(at: readonly string[], body: unknown, where: string): Promise<void> {
  const pointer = at.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const known = validators.get(pointer) ?? validate(`${DOCUMENT_URI}#/${pointer}`);
  validators.set(pointer, known);
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- parsed JSON
  const result = (await known)(body as never, BASIC);
  assert.ok(result.valid, `${where} breaks the contract: ${JSON.stringify('errors' in result ? result.errors.slice(0, 5) : [])}\n${JSON.stringify(body).slice(0, 600)}`);
}

/** Holds an answer, however it was asked for, against what the contract says of the operation. */
export async function holdAnswer(operationId: OperationId, answer: Answer): Promise<void> {
  const { method, path } = operations[operationId];
  const at = ['paths', path, method, 'responses', String(answer.status)];
  const declared = member(document, ...at);
  const where = `${operationId} ${answer.status}`;
  assert.ok(isRecord(declared), `${where} is not declared; it says ${answer.text.slice(0, 300)}`);
  assert.ok(answer.headers.get('X-Request-ID'), `${where} lacks X-Request-ID`);
  const content = member(declared, 'content');
  if (!isRecord(content)) {
    assert.is(answer.text, '', `${where} has a body that is not declared`);
    return;
  }
  const mediaType = (answer.headers.get('Content-Type') ?? '').split(';')[0] ?? '';
  assert.ok(content[mediaType] !== undefined, `${where} has the undeclared type '${mediaType}'`);
  if (!/json$/.test(mediaType) || member(content, mediaType, 'schema') === undefined) return;
  await holdAgainst([...at, 'content', mediaType, 'schema'], answer.body, where);
  if (mediaType === 'application/problem+json') {
    assert.is(member(answer.body, 'status'), answer.status, `${where}: status of body and answer differ`);
  }
}

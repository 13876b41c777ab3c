/** A small contract, and versions of it that differ in one place. */
import { breakingChanges } from '../../scripts/compatibility/documents.ts';
import { nameOf } from '../../scripts/compatibility/changes.ts';
import type { JsonObject, OpenApiDocument, Operation, Parameter } from '../../scripts/generate/document.ts';

/** What a version is made of; each part has a default. */
export interface Version {
  access?: Operation['x-access'];
  security?: JsonObject[];
  /** Of the request's JSON body, and of the answer's. */
  request?: JsonObject;
  response?: JsonObject;
  parameters?: Parameter[];
  schemas?: Record<string, JsonObject>;
  /** Changes what the parts cannot say. */
  edit?: (doc: OpenApiDocument, operation: Operation) => void;
}

export const text: JsonObject = { type: 'string' };
export const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });
export const reference = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
export const query = (name: string, more: Partial<Parameter> = {}): Parameter => ({ name, in: 'query', schema: text, ...more });

export function contractOf({ access = { permission: 'project.create', within: 'team', from: 'body.team_id' }, security = [{ accessToken: [] }, { apiKey: [] }], request, response, parameters = [], schemas = {}, edit }: Version): OpenApiDocument {
  const operation: Operation = {
    operationId: 'createThing', tags: ['things'], summary: '', description: '', security, parameters, 'x-access': access,
    ...(request === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: request } } } }),
    responses: { 201: { description: '', headers: { ETag: { $ref: '#/components/headers/ETag' } }, ...(response === undefined ? {} : { content: { 'application/json': { schema: response } } }) }, 409: { description: '' } },
  };
  const doc: OpenApiDocument = {
    openapi: '3.1.1',
    info: { title: '', version: '1.0.0', description: '' },
    paths: { '/v1/things': { post: operation } },
    webhooks: {},
    components: { schemas, parameters: {}, headers: { ETag: { schema: text } }, securitySchemes: {} },
  };
  edit?.(doc, operation);
  return doc;
}

/** Names of what breaks. */
export const breaks = (was: Version, is: Version): string[] => breakingChanges(contractOf(was), contractOf(is)).map(nameOf);

/** What breaks where clients send the one schema and then the other is asked for; the part `createThing body application/json` is left out. */
export const inRequests = (was: JsonObject, is: JsonObject, schemas: Record<string, JsonObject> = {}): string[] => breaks({ request: was, schemas }, { request: is, schemas }).map(short);
export const inAnswers = (was: JsonObject, is: JsonObject, schemas: Record<string, JsonObject> = {}): string[] => breaks({ response: was, schemas }, { response: is, schemas }).map(short);
const short = (name: string): string => name.replace(/createThing (body|201) application\/json/, '').trim();

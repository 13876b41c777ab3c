/** The parts of an OpenAPI document that the generator touches, typed as far as it touches them. */

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };

export const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;
export type Method = (typeof METHODS)[number];

export interface ProblemEntry {
  status: number;
  title: string;
  description: string;
  type?: string;
  extensions?: string[];
  everywhere?: boolean;
}
export type ProblemRegistry = Record<string, ProblemEntry>;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header' | 'cookie';
  required?: boolean;
  schema: JsonObject;
  style?: string;
  explode?: boolean;
  'x-sort-fields'?: string[];
}

export interface Access {
  public?: string;
  self?: 'any' | 'interactive';
  /** The setting that holds the token which opens it. */
  token?: 'METRICS_TOKEN';
  permission?: string;
  within?: string;
  from?: string;
  hide?: boolean;
}

export interface RateLimit {
  name: string;
  limit: number;
  window_seconds: number;
  by: 'ip' | 'actor';
}

export interface MediaType {
  schema?: JsonObject;
}

export interface ResponseObject {
  description: string;
  headers?: JsonObject;
  content?: Record<string, MediaType>;
  'x-problems'?: string[];
}

export interface WebSocketProtocol {
  path: string;
  /** Names of schemas. */
  client_frames: string[];
  server_frames: string[];
  close_codes: Record<string, string>;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  security?: JsonObject[];
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { required?: boolean; content: Record<string, MediaType> };
  responses: Record<string, ResponseObject>;
  'x-access': Access;
  'x-problems'?: string[];
  'x-rate-limit'?: RateLimit;
  'x-body-limit'?: 'json' | 'upload' | 'backup' | 'webhook';
  /** Query parameters that are not declared are ignored. */
  'x-open-query'?: boolean;
  'x-websocket'?: WebSocketProtocol;
}

export type PathItem = { [method in Method]?: Operation } & { parameters?: (Parameter | { $ref: string })[] };

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  paths: Record<string, PathItem>;
  webhooks?: Record<string, PathItem>;
  components: {
    schemas: Record<string, JsonObject>;
    parameters?: Record<string, Parameter>;
    headers?: JsonObject;
    securitySchemes: JsonObject;
  };
}

export interface OperationEntry {
  path: string;
  method: Method;
  operation: Operation;
  parameters: Parameter[];
}

/** Every operation with its parameters resolved and those of its path joined in, in document order. */
export function operationsOf(doc: OpenApiDocument): OperationEntry[] {
  const resolve = (parameter: Parameter | { $ref: string }): Parameter => {
    if (!('$ref' in parameter)) return parameter;
    const found = doc.components.parameters?.[parameter.$ref.replace('#/components/parameters/', '')];
    if (found === undefined) throw new Error(`${parameter.$ref} leads nowhere`);
    return found;
  };
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (operation === undefined) return [];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
      return [{ path, method, operation, parameters }];
    }),
  );
}

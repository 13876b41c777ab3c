/** Handlers typed by the contract: a wrong field, a wrong status or a missing operation does not compile. */
import type { operations as Contract, components } from '../../generated/api.ts';
import type { operations } from '../../generated/operations.ts';
import type { Context } from '../domain/context.ts';
import type { SortKey } from '../core/page.ts';
import type { UploadedFile } from './multipart.ts';

export type OperationId = keyof typeof operations & keyof Contract;
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

type Parameters<Id extends OperationId, Place extends 'path' | 'query' | 'header' | 'cookie'> = Contract[Id]['parameters'] extends { [P in Place]?: infer Values }
  ? NonNullable<Values>
  : Record<string, never>;
/** Query parameters with a default are always there: validation fills them in. */
type Filled<T> = { [Key in keyof T]: T[Key] };
type Bodies<Id extends OperationId> = Contract[Id] extends { requestBody?: infer Body } ? (NonNullable<Body> extends { content: infer Content } ? Content : never) : never;
type JsonBody<Id extends OperationId> = Bodies<Id> extends { 'application/json': infer Body } ? Body : undefined;

export interface Input<Id extends OperationId> {
  path: Parameters<Id, 'path'>;
  query: Filled<Parameters<Id, 'query'>>;
  body: JsonBody<Id>;
  /** A JSON body byte by byte, for signatures; empty where there is none. */
  raw: Buffer;
  /** Fields of a multipart body, where the request had one. */
  form: Form | null;
  /** `limit`, `offset` and `sort` of a list; the contract's defaults where the request had none. */
  page: { limit: number; offset: number; sort: SortKey[] };
  /** Version named by If-Match; null where the operation takes none. */
  ifMatch: number | null;
  cookies: Record<string, string | undefined>;
  headers: Record<string, string | undefined>;
}

export interface Form {
  fields: Record<string, string>;
  files: UploadedFile[];
}

type SuccessStatus = 200 | 201 | 202 | 204 | 302 | 304;
type Responses<Id extends OperationId> = Contract[Id]['responses'];
/** JSON whose members the contract does not describe is a document of somebody else's format, and streamed as one. */
type BodyOf<Response> = Response extends { content: infer Content }
  ? Content extends { 'application/json': infer Body } ? (Body extends Record<string, never> ? AsyncIterable<string> : Body) : string | AsyncIterable<string | Buffer>
  : undefined;

/** One of the operation's declared successes. */
export type Reply<Id extends OperationId> = {
  [Status in keyof Responses<Id> & SuccessStatus]: {
    status: Status;
    body: BodyOf<Responses<Id>[Status]>;
    /** Only for bodies that are not JSON. */
    type?: Responses<Id>[Status] extends { content: infer Content } ? keyof Content & string : never;
    headers?: Record<string, string | string[]>;
  };
}[keyof Responses<Id> & SuccessStatus];

export type Handler<Id extends OperationId> = (context: Context, input: Input<Id>) => Promise<Reply<Id>>;
export type Handlers<Ids extends OperationId = OperationId> = { [Id in Ids]: Handler<Id> };

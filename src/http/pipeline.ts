/** What happens to a request between routing and its handler, in the contract's order: who, may they, what do they send, do it. */
import type { ServerResponse } from 'node:http';
import { operations } from '../../generated/operations.ts';
import type { Services, Context } from '../domain/context.ts';
import { ANONYMOUS, userIdOf } from '../core/actor.ts';
import type { Db } from '../db/connect.ts';
import { DomainError } from '../core/errors.ts';
import { isRecord } from '../core/values.ts';
import { parseSort, type SortKey } from '../core/page.ts';
import { authenticate, authenticateKey, isMetricsToken, readCredential, type NotedUses } from './authenticate.ts';
import { authorize, type Access } from './authorize.ts';
import { ACTOR_CHANNEL, SCOPE_CHANNEL, type Caches } from './caches.ts';
import { createContract, type Dispatch } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { idempotently } from './idempotent.ts';
import { enforceRateLimit, type RateLimit } from './rate-limit.ts';
import { readBody, type BodyLimits } from './read-body.ts';
import { badParameter, readCookies, readHeaders, readQuery } from './read-request.ts';
import type { Form, Handlers, OperationId } from './types.ts';
import { validateBody, validateParameters, type RawParameters } from './validate.ts';

/** A handler as the pipeline calls it; `Handlers` has checked each against its operation. */
type AnyHandler = (context: Context, input: unknown) => Promise<{ status: number; body: unknown; type?: string; headers?: Record<string, string | string[]> }>;

export interface PipelineOptions {
  services: Services;
  handlers: Handlers;
  caches: Caches;
  limits: BodyLimits;
  /** True once the server has begun to stop. */
  stopping: () => boolean;
}

export async function createPipeline({ services, handlers, caches, limits, stopping }: PipelineOptions): Promise<Dispatch<Exchange>> {
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- each handler was checked against its own operation; here they are one kind
  const table: ReadonlyMap<string, AnyHandler> = new Map(Object.entries(handlers) as [OperationId, AnyHandler][]);
  const noted: NotedUses = new Map();

  const admit = async (exchange: Exchange, operationId: OperationId): Promise<void> => {
    const operation = operations[operationId];
    const access: Access = operation.access;
    if (stopping() && operationId === 'getReadiness') throw new DomainError('not-ready', 'The portal is stopping.', { retryAfter: 5 });
    const limit: RateLimit | null = operation.rateLimit;
    if (limit !== null) await enforceRateLimit(services.db, exchange, limit, services.now());
    if (access.from?.startsWith('body.') === true) await readBody(exchange, operationId, limits);
    await authorize(caches, exchange.actor, access, exchange.params, exchange.body.state === 'json' ? exchange.body.value : undefined);
  };

  const handle = async (exchange: Exchange, operationId: OperationId): Promise<void> => {
    const handler = table.get(operationId);
    if (handler === undefined) throw new Error(`no handler for ${operationId}`);
    const { input, idempotencyKey } = await readInput(exchange, operationId, limits);
    const contextOn = (db: Db): Context => ({
      ...services, db,
      actor: exchange.actor,
      request: { id: exchange.requestId, operation: operationId, ip: exchange.ip, userAgent: exchange.request.headers['user-agent']?.slice(0, 512) ?? null, gone: () => goneSignal(exchange.response) },
    });
    const run = async (db: Db): Promise<void> => {
      const { status, body, type, headers } = await handler(contextOn(db), input);
      const text = isStream(body) || typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
      exchange.answer = { status, headers: headers ?? {}, body: text, type: type ?? null };
    };
    if (idempotencyKey === undefined) await run(services.db);
    else await idempotently(services, exchange, operationId, idempotencyKey, run);
    // the writer must see its own change at once; other processes hear of it from the database
    if (operations[operationId].method !== 'get') {
      caches.changed(SCOPE_CHANNEL, exchange.params['id'] ?? '');
      for (const userId of new Set([userIdOf(exchange.actor) ?? '', exchange.params['id'] ?? '', exchange.params['user_id'] ?? '', userInBody(exchange)])) caches.changed(ACTOR_CHANNEL, userId);
    }
  };

  return createContract<Exchange>({
    authenticate: async (exchange, scheme) => {
      const credential = readCredential(exchange.request);
      if (scheme === 'metricsToken') return isMetricsToken(credential, services.config.METRICS_TOKEN);
      if (credential === null || credential.scheme !== scheme) return false;
      exchange.actor = scheme === 'apiKey'
        ? await authenticateKey(credential.token, exchange.ip, services, caches, noted)
        : await authenticate(credential.token, services.tokens, caches);
      return exchange.actor !== ANONYMOUS;
    },
    unauthorized: (_exchange, operationId) => {
      const access: Access = operations[operationId].access;
      const what = access.token === undefined ? 'with a valid access token (POST /auth/login) or API key' : `with the value of the setting ${access.token}`;
      throw new DomainError('unauthorized', `Send \`Authorization: Bearer <token>\` ${what}.`);
    },
    admit,
    handle,
    notFound: (exchange) => {
      throw new DomainError('not-found', `There is nothing at ${exchange.path.slice(0, 200)}. The operations are listed at /api/docs.`);
    },
    methodNotAllowed: (exchange, allow) => {
      throw new DomainError('method-not-allowed', `${exchange.request.method ?? ''} is not a method of this URL; it takes ${allow.join(', ')}.`, { allow });
    },
  });
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.closed) gone.abort();
  else response.once('close', () => { if (!response.writableFinished) gone.abort(); });
  return gone.signal;
}

/** Parameters and body, checked against the contract; `Input` of types.ts is their type, handler by handler. */
async function readInput(exchange: Exchange, operationId: OperationId, limits: BodyLimits): Promise<{ input: unknown; idempotencyKey: string | undefined }> {
  const operation = operations[operationId];
  const raw: RawParameters = {
    path: { ...exchange.params },
    query: readQuery(exchange.query, operation.arrays),
    header: readHeaders(exchange.request, operation.headers),
    cookie: readCookies(exchange.request),
  };
  validateParameters(operationId, raw);
  await readBody(exchange, operationId, limits);
  const { body } = exchange;
  const [mediaType, validator] = ('mediaType' in body ? Object.entries(operation.bodies).find(([type]) => type === body.mediaType) : undefined) ?? [];
  if (mediaType !== undefined && typeof validator === 'string') validateBody(operationId, mediaType, validator, body.state === 'form' ? formMembers(body.form) : body.state === 'json' ? body.value : undefined);
  const query: Record<string, unknown> = raw.query;
  const input = {
    path: raw.path,
    query,
    body: body.state === 'json' ? body.value : undefined,
    raw: body.state === 'json' ? body.raw : Buffer.alloc(0),
    form: body.state === 'form' ? body.form : null,
    page: { limit: Number(query['limit'] ?? 0), offset: Number(query['offset'] ?? 0), sort: readSort(query['sort'], operation.sortFields) },
    ifMatch: readIfMatch(raw.header['if-match']),
    cookies: raw.cookie,
    headers: raw.header,
  };
  return { input, idempotencyKey: raw.header['idempotency-key'] };
}

/** Whom a body such as that of a new team member is about. */
function userInBody({ body }: Exchange): string {
  const id = body.state === 'json' && isRecord(body.value) ? body.value['user_id'] : undefined;
  return typeof id === 'string' ? id : '';
}

/** A form as its schema sees it: file fields are there, their content is not its business. */
function formMembers({ fields, files }: Form): Record<string, string> {
  return { ...fields, ...Object.fromEntries(files.map(({ field }) => [field, ''])) };
}

function readSort(text: unknown, fields: readonly string[]): SortKey[] {
  if (typeof text !== 'string' || text === '') return [];
  return parseSort(text, fields, (field) => badParameter('sort', `has no field '${field.slice(0, 100)}'; it takes ${fields.join(', ')}`));
}

/** `"3"`, `W/"3"` and `3` are 3; a value that is no version matches nothing: 0. */
function readIfMatch(text: string | undefined): number | null {
  if (text === undefined || text.trim() === '') return null;
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(text.trim())?.[1];
  return version === undefined ? 0 : Number(version);
}

const isStream = (body: unknown): body is AsyncIterable<string | Buffer> => typeof body === 'object' && body !== null && Symbol.asyncIterator in body;

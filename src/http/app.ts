/** The HTTP stack, a line each: ids and logs, problems, headers, CORS, documentation, and the contract. */
import { Readable } from 'node:stream';
import Koa from 'koa';
import cors from '@koa/cors';
import type { Logger } from 'pino';
import { DomainError } from '../core/errors.ts';
import { ANONYMOUS, userIdOf } from '../core/actor.ts';
import { uuidv7 } from '../core/ids.ts';
import type { Telemetry } from '../core/telemetry.ts';
import { operations } from '../../generated/operations.ts';
import type { AddressOf } from './client-address.ts';
import type { Dispatch } from './contract.ts';
import type { Answer, Exchange } from './exchange.ts';
import { canonicalPath } from './paths.ts';
import { renderProblem } from './problem.ts';
import { settleUnread } from './read-request.ts';

export interface AppOptions {
  log: Logger;
  telemetry: Telemetry;
  addressOf: AddressOf;
  corsOrigins: readonly string[];
  dispatch: Dispatch<Exchange>;
  /** What is answered beside the contract, and before it. */
  pages: readonly Koa.Middleware[];
  /** Limits of the contract that settings change: requests a window, by the limit's name. */
  limits: Readonly<Record<string, number>>;
  /** True once the server has begun to stop: connections are then closed after their answer. */
  stopping: () => boolean;
}

const REQUEST_ID = /^[\x20-\x7e]{1,128}$/;
const API_CSP = "default-src 'none'; frame-ancestors 'none'";

export function createApp(options: AppOptions): Koa {
  const app = new Koa();
  app.use(withRequestId(options));
  app.use(withProblems());
  app.use(securityHeaders);
  app.use(crossOrigin(options.corsOrigins));
  for (const page of options.pages) app.use(page);
  app.use(contract(options));
  app.on('error', (error: unknown) => options.log.debug({ err: error }, 'connection error'));
  return app;
}

/** The exchange of each request, kept apart from Koa's untyped state. */
const exchanges = new WeakMap<object, Exchange>();

function exchangeOf(ctx: Koa.Context): Exchange {
  const exchange = exchanges.get(ctx.req);
  if (exchange === undefined) throw new Error('the first middleware did not run');
  return exchange;
}

/** Takes or makes X-Request-ID, opens the exchange, and writes one log line when the answer is out. */
function withRequestId({ log, telemetry, addressOf, limits, stopping }: AppOptions): Koa.Middleware {
  return async (ctx, next) => {
    const given = ctx.get('X-Request-ID');
    const requestId = REQUEST_ID.test(given) ? given : uuidv7();
    const startedAt = performance.now();
    const observation = telemetry.request({ method: ctx.method, requestId, header: (name) => ctx.get(name) });
    const exchange: Exchange = {
      request: ctx.req, response: ctx.res, requestId, log: log.child({ request_id: requestId, trace_id: observation.traceId ?? undefined }),
      ip: addressOf(ctx.req.socket.remoteAddress, ctx.get('X-Forwarded-For') || undefined),
      path: ctx.path, query: ctx.querystring, actor: ANONYMOUS, operationId: null, params: {},
      body: { state: 'unread' }, limits, answer: null, headers: {}, cleanups: [],
    };
    exchanges.set(ctx.req, exchange);
    ctx.set('X-Request-ID', requestId);
    if (stopping()) ctx.set('Connection', 'close');
    await observation.run(next);
    const done = (): void => {
      const { operationId } = exchange;
      const milliseconds = performance.now() - startedAt;
      observation.end({ operationId, route: operationId === null ? null : operations[operationId].path, status: ctx.res.writableFinished ? ctx.res.statusCode : null, milliseconds });
      for (const cleanup of exchange.cleanups) cleanup().catch((error: unknown) => exchange.log.warn({ err: error }, 'cleaning up failed'));
      exchange.log.info({ method: ctx.method, path: ctx.path, operation: operationId, status: ctx.res.statusCode, ms: Math.round(milliseconds), user_id: userIdOf(exchange.actor) ?? undefined, key_prefix: exchange.actor.kind === 'api_key' ? exchange.actor.prefix : undefined }, 'request');
    };
    if (ctx.res.closed) done(); // the client went while the request was worked on
    else ctx.res.once('close', done);
  };
}

/** The only try/catch of the stack: whatever went wrong becomes a problem document. */
function withProblems(): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const exchange = exchangeOf(ctx);
      const problem = renderProblem(error, { path: exchange.path, requestId: exchange.requestId });
      if (problem.fault !== null) exchange.log.error({ err: problem.fault, operation: exchange.operationId }, problem.body.title);
      settleUnread(ctx.req, ctx.res);
      ctx.set({ ...exchange.headers, ...problem.headers });
      ctx.body = JSON.stringify(problem.body); // of which Koa sends the length alone where the method is HEAD
      ctx.status = problem.status;
      ctx.set('Content-Type', 'application/problem+json; charset=utf-8');
    }
  };
}

const securityHeaders: Koa.Middleware = async (ctx, next) => {
  ctx.set({
    'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'X-Frame-Options': 'DENY',
    'Content-Security-Policy': API_CSP, 'Cross-Origin-Resource-Policy': 'same-origin', 'Cache-Control': 'no-store',
  });
  await next();
};

/** Only configured origins, with credentials (the refresh cookie); `*` is never sent. */
function crossOrigin(origins: readonly string[]): Koa.Middleware {
  if (origins.length === 0) return (_ctx, next) => next();
  return cors({
    origin: (ctx) => (origins.includes(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    credentials: true,
    allowMethods: 'GET,HEAD,POST,PUT,PATCH,DELETE',
    allowHeaders: ['Authorization', 'Content-Type', 'If-Match', 'If-None-Match', 'Idempotency-Key', 'X-Request-ID'],
    exposeHeaders: ['ETag', 'Location', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'Idempotency-Replayed', 'X-Request-ID', 'Content-Disposition'],
    maxAge: 600,
  });
}

function contract({ dispatch }: AppOptions): Koa.Middleware {
  return async (ctx) => {
    const exchange = exchangeOf(ctx);
    const path = decodable(canonicalPath(ctx.path));
    await dispatch(exchange, { method: ctx.method, path }, ({ operationId, params }) => {
      exchange.operationId = operationId;
      exchange.params = params;
    });
    if (exchange.answer === null) throw new Error('the handler gave no answer');
    send(ctx, exchange.answer, exchange.headers);
  };
}

function decodable(path: string): string {
  try {
    if (decodeURIComponent(path).includes('\u0000')) throw new URIError('NUL');
    return path;
  } catch {
    throw new DomainError('invalid-request', 'The path holds a broken percent-encoding or a NUL character.', { errors: [{ message: 'broken percent-encoding' }] });
  }
}

function send(ctx: Koa.Context, answer: Answer, extra: Record<string, string>): void {
  ctx.status = answer.status;
  ctx.set({ ...answer.headers, ...extra });
  if (answer.body === null) {
    ctx.body = null;
    ctx.status = answer.status; // Koa makes it 204
    return;
  }
  ctx.body = typeof answer.body === 'string' || answer.body instanceof Readable ? answer.body : Readable.from(answer.body);
  const type = answer.type ?? 'application/json';
  if (answer.headers['Content-Type'] === undefined) ctx.set('Content-Type', answer.type === null || type.startsWith('text/') ? `${type}; charset=utf-8` : type);
}

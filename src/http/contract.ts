/**
 * openapi-backend, put right once: strict, with all five fixed handlers, a radix router in place of its linear one, and our precompiled
 * validators in place of its own (which know only one media type, draft-07 and 3.0). It keeps what it is for: from a request to the
 * operation, its security schemes in the order the contract says, and the handler by operationId.
 */
import { OpenAPIBackend, type Context as BackendContext, type Document, type Operation, type Request as BackendRequest } from 'openapi-backend';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import document from '../../generated/openapi.json' with { type: 'json' };
import { operationIds, operations } from '../../generated/operations.ts';
import type { OperationId } from './types.ts';

export interface Matched {
  operationId: OperationId;
  params: Record<string, string | undefined>;
}

/** Methods of a path, or the operation; null where the path is unknown. */
export type Match = { matched: Matched } | { allow: string[] } | null;

const METHODS = { get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const satisfies Record<string, HTTPMethod>;
const METHOD_NAMES: readonly HTTPMethod[] = Object.values(METHODS);

/** Finds the operation of a canonical path. An exact path never falls through to a templated sibling: it is 405 there. */
export function createMatcher(): (method: string, path: string) => Match {
  const router = findMyWay({ ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 1024 });
  const methodsOf = new Map<string, string[]>();
  const byRoute = new Map<unknown, OperationId>();
  for (const id of operationIds) {
    const { method, path } = operations[id];
    router.on(METHODS[method], path.replaceAll(/\{(\w+)\}/g, ':$1'), () => undefined, id);
    byRoute.set(id, id);
    methodsOf.set(path, [...(methodsOf.get(path) ?? []), method.toUpperCase()]);
  }
  const find = (method: HTTPMethod, path: string): { id: OperationId; path: string; params: Record<string, string | undefined> } | null => {
    const route = router.find(method, path);
    const id = byRoute.get(route?.store);
    if (route === null || id === undefined || Object.values(route.params).includes('')) return null;
    return { id, path: operations[id].path, params: route.params };
  };
  return (method, path) => {
    const wanted = METHOD_NAMES.find((name) => name === (method === 'HEAD' ? 'GET' : method));
    const found = wanted === undefined ? null : find(wanted, path);
    const exact = methodsOf.get(path);
    if (found !== null && (exact === undefined || found.path === path)) return { matched: { operationId: found.id, params: found.params } };
    if (exact !== undefined) return { allow: exact };
    const sibling = METHOD_NAMES.map((name) => find(name, path)).find((route) => route !== null);
    return sibling === undefined ? null : { allow: methodsOf.get(sibling.path) ?? [] };
  };
}

/** The contract's security schemes. */
const SCHEMES = ['accessToken', 'apiKey', 'metricsToken'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** What openapi-backend calls; `X` is what travels with one request. */
export interface ContractHooks<X> {
  /** True where the credential is good; the actor is then on the exchange. */
  authenticate: (exchange: X, scheme: Scheme) => Promise<boolean>;
  unauthorized: (exchange: X, operationId: OperationId) => never;
  /** After authentication, before the handler: limits, access, body, validation. */
  admit: (exchange: X, operationId: OperationId) => Promise<void>;
  handle: (exchange: X, operationId: OperationId) => Promise<void>;
  notFound: (exchange: X) => never;
  methodNotAllowed: (exchange: X, allow: string[]) => never;
}

export type Dispatch<X> = (exchange: X, request: { method: string; path: string }, remember: (matched: Matched) => void) => Promise<void>;

export async function createContract<X>(hooks: ContractHooks<X>): Promise<Dispatch<X>> {
  const match = createMatcher();
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- the file's literal types are narrower than any OpenAPI type
  const definition = structuredClone(document) as unknown as Document; // it resolves references in place
  const backend = new OpenAPIBackend({ definition, strict: true, validate: false });
  backend.validateDefinition = () => backend.document; // the contract is OpenAPI 3.1 and linted when it is generated; theirs knows 3.0
  await backend.init();

  const byId = new Map<string, Operation>(backend.router.getOperations().map((operation) => [operation.operationId ?? '', operation]));
  const results = new WeakMap<BackendRequest, Match>();
  Object.assign(backend.router, {
    parseRequest: (request: BackendRequest) => ({ ...request, params: {}, query: {}, cookies: {} }), // ours is read later, bounded
    matchOperation: (request: BackendRequest): Operation => {
      const found = match(request.method, request.path);
      results.set(request, found);
      if (found === null) throw new Error('404-notFound');
      const operation = 'matched' in found ? byId.get(found.matched.operationId) : undefined;
      if (operation === undefined) throw new Error('405-methodNotAllowed');
      return operation;
    },
  });

  /** `fault`: what made the look at the credential fail, such as a database that is away. */
  type Envelope = { exchange: X; request: BackendRequest; remember: (matched: Matched) => void; fault: { error: unknown } | null };
  const known = new Map<unknown, OperationId>(operationIds.map((id) => [id, id]));
  const idOf = (context: BackendContext): OperationId => {
    const id = known.get(context.operation.operationId);
    if (id === undefined) throw new Error('an operation without an id');
    return id;
  };
  for (const scheme of SCHEMES) {
    backend.registerSecurityHandler(scheme, async (_context: BackendContext, envelope: Envelope) => {
      try {
        return await hooks.authenticate(envelope.exchange, scheme);
      } catch (error) {
        envelope.fault = { error }; // openapi-backend would take it for a refusal, and a good credential would be 401
        return false;
      }
    });
  }
  const guard = (context: BackendContext): boolean => context.security['authorized'] === true || (context.operation.security ?? []).length === 0;
  backend.register({
    postRoutingHandler: (_context: BackendContext, { request, remember }: Envelope) => {
      const found = results.get(request);
      if (found !== null && found !== undefined && 'matched' in found) remember(found.matched);
    },
    // also runs where the credential was refused: unauthorizedHandler answers that
    postSecurityHandler: async (context: BackendContext, { exchange, fault }: Envelope) => {
      if (fault !== null) throw fault.error;
      if (guard(context)) await hooks.admit(exchange, idOf(context));
    },
    unauthorizedHandler: (context: BackendContext, { exchange }: Envelope) => hooks.unauthorized(exchange, idOf(context)),
    validationFail: (_context: BackendContext, { exchange }: Envelope) => hooks.notFound(exchange), // never reached: validation is ours, in admit
    notImplemented: (context: BackendContext) => {
      throw new Error(`${idOf(context)} has no handler`); // never reached: it would not compile
    },
    notFound: (_context: BackendContext, { exchange }: Envelope) => hooks.notFound(exchange),
    methodNotAllowed: (_context: BackendContext, { exchange, request }: Envelope) => {
      const found = results.get(request);
      return hooks.methodNotAllowed(exchange, found !== null && found !== undefined && 'allow' in found ? found.allow : []);
    },
  });
  for (const id of operationIds) backend.register(id, (_context: BackendContext, { exchange }: Envelope) => hooks.handle(exchange, id));
  return async (exchange, { method, path }, remember) => {
    const request: BackendRequest = { method, path, headers: {} };
    await backend.handleRequest(request, { exchange, request, remember, fault: null } satisfies Envelope);
  };
}

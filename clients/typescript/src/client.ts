/** The client: openapi-fetch typed by the contract, over a transport that authenticates, tries again and throws problems. */
import { randomUUID } from 'node:crypto';
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/api.ts';
import { idempotentPosts } from './generated/contract.ts';
import { DEFAULT_RETRIES, type RetryPolicy } from './retry.ts';
import type { Credential, Session } from './session.ts';
import { CLOCK, createTransport, type Clock } from './transport.ts';

/** A schema of the contract by its name: `Schema<'Project'>`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

export type PortalClientOptions = Credential & {
  /** Where the portal answers, with its prefix where a proxy keeps one: `https://portal.example.com`, `https://example.com/api`. */
  baseUrl: string;
  /** Instead of Node's own, for proxies and tests. */
  fetch?: (request: Request) => Promise<Response>;
  retries?: Partial<RetryPolicy>;
  /** For tests. */
  clock?: Clock;
};

export interface PortalClient extends Client<paths> {
  readonly baseUrl: string;
  readonly session: Session;
  readonly clock: Clock;
  /** Sends what openapi-fetch cannot say, such as an upload from a file; `build` is called for each try. Throws as all others do. */
  readonly send: (build: () => Request) => Promise<Response>;
}

/** Throws TypeError where `baseUrl` is not an http address. */
export function createPortalClient(options: PortalClientOptions): PortalClient {
  const baseUrl = httpAddress(options.baseUrl);
  const clock = options.clock ?? CLOCK;
  const transport = createTransport({ baseUrl, credential: options, fetch: options.fetch ?? ((request) => fetch(request)), retries: { ...DEFAULT_RETRIES, ...options.retries }, clock });
  const client = createClient<paths>({ baseUrl, redirect: 'manual', fetch: async (request) => transport.send(await rebuilt(request)) });
  client.use({
    onRequest: ({ request, schemaPath }) => {
      if (request.method === 'POST' && idempotentPosts.has(schemaPath) && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', randomUUID());
    },
  });
  return { ...client, baseUrl, clock, ...transport };
}

/** The body of an answer. Problems are thrown before it; what is left is an answer without a body (204, 304), for which this throws TypeError. */
export async function unwrap<Data>(answer: Promise<{ data?: Data; response: Response }>): Promise<NonNullable<Data>> {
  const { data, response } = await answer;
  if (data === undefined || data === null) throw new TypeError(`${response.url} answered ${response.status} without a body.`);
  return data;
}

/** A maker of the same request. Its body is read once: bodies of openapi-fetch are JSON, and uploads do not come this way. */
async function rebuilt(request: Request): Promise<() => Request> {
  const { url, method, headers, signal } = request;
  const body = request.body === null ? null : await request.arrayBuffer();
  return () => new Request(url, { method, headers, signal, redirect: 'manual', ...(body === null ? {} : { body }) });
}

function httpAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw new TypeError(`'${text}' is not an address of a portal: give it as https://portal.example.com.`);
  if (url.username !== '' || url.search !== '' || url.hash !== '') throw new TypeError('The address of a portal has no user, query or fragment.');
  return url.href.replace(/\/+$/, '');
}

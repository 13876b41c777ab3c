/**
 * What follows from the hand-written contract by rule, so that nobody has to write it eighty times: `security` from x-access, the
 * problem responses from access, parameters, bodies and x-problems, and the headers that every answer carries.
 */
import { operationsOf, type Json, type JsonObject, type OpenApiDocument, type OperationEntry, type ProblemRegistry } from './document.ts';

/** Headers that answers share; kept here, since no file of the spec refers to them by hand. */
const SHARED_HEADERS: JsonObject = {
  XRequestId: { description: 'Id of the request: yours, or a UUIDv7.', schema: { type: 'string' } },
  RetryAfter: { description: 'Seconds to wait before the next try.', schema: { type: 'integer', minimum: 0 } },
  RateLimit: { description: 'What is left of the limit: `"<name>";r=<requests>;t=<seconds to the reset>`.', schema: { type: 'string' } },
  RateLimitPolicy: { description: 'The limit: `"<name>";q=<requests>;w=<window in seconds>`.', schema: { type: 'string' } },
  IdempotencyReplayed: { description: '`true` where the answer is a repeat of the first one.', schema: { type: 'string', enum: ['true'] } },
};
const header = (name: string): JsonObject => ({ $ref: `#/components/headers/${name}` });

/** Completes the bundled document in place. */
export function derive(doc: OpenApiDocument, registry: ProblemRegistry): void {
  doc.components.headers = { ...doc.components.headers, ...SHARED_HEADERS };
  doc.info.description = doc.info.description.replace('<!-- problems -->', problemTable(registry));
  for (const entry of operationsOf(doc)) {
    entry.operation.security = security(entry);
    addSuccessHeaders(entry);
    addProblems(entry, registry);
  }
}

function security({ operation }: OperationEntry): JsonObject[] {
  const access = operation['x-access'];
  if (access.public !== undefined) return [];
  if (access.token !== undefined) return [{ metricsToken: [] }];
  return [{ accessToken: [] }, { apiKey: [] }]; // an API key on an interactive operation is a good credential: 403, not 401
}

/** Slugs that follow from the operation's shape; its own x-problems come on top. */
function problemsOf({ operation, parameters }: OperationEntry): string[] {
  const access = operation['x-access'];
  const slugs = ['invalid-request'];
  if (access.public === undefined) slugs.push('unauthorized');
  const everywhereHidden = access.within === 'installation';
  if ((access.permission !== undefined && !everywhereHidden) || access.self === 'interactive') slugs.push('forbidden'); // also where rows are hidden: a key that lacks the action
  if (access.hide === true) slugs.push('not-found');
  if (parameters.some((parameter) => parameter.in === 'path')) slugs.push('not-found');
  if (operation.requestBody !== undefined) slugs.push('payload-too-large', 'unsupported-media-type', 'validation-failed');
  if (parameters.some((parameter) => parameter.name === 'Idempotency-Key')) {
    slugs.push('idempotency-in-progress');
    if (operation.requestBody !== undefined || parameters.some((parameter) => parameter.in === 'path' || parameter.in === 'query')) slugs.push('idempotency-mismatch'); // else all requests are the same
  }
  if (operation['x-rate-limit'] !== undefined) slugs.push('too-many-requests');
  slugs.push('internal-error', 'unavailable');
  if (operation.requestBody?.content['multipart/form-data'] !== undefined) slugs.push('disk-pressure'); // files are put on the disk first
  slugs.push(...(operation['x-problems'] ?? []));
  return [...new Set(slugs)];
}

function addProblems(entry: OperationEntry, registry: ProblemRegistry): void {
  const byStatus = new Map<number, string[]>();
  for (const slug of problemsOf(entry)) {
    const problem = registry[slug];
    if (problem === undefined) throw new Error(`${entry.operation.operationId} names the unknown problem '${slug}'`);
    byStatus.set(problem.status, [...(byStatus.get(problem.status) ?? []), slug]);
  }
  for (const [status, slugs] of [...byStatus].sort(([a], [b]) => a - b)) {
    const retry = status === 429 || status === 503 ? { 'Retry-After': header('RetryAfter') } : {};
    entry.operation.responses[String(status)] = {
      description: slugs.map((slug) => `\`${slug}\`: ${registry[slug]?.description ?? ''}`).join('\n\n'),
      headers: { 'X-Request-ID': header('XRequestId'), ...retry },
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      'x-problems': slugs,
    };
  }
}

function addSuccessHeaders({ operation, parameters }: OperationEntry): void {
  const idempotent = parameters.some((parameter) => parameter.name === 'Idempotency-Key');
  for (const response of Object.values(operation.responses)) {
    const extra: { [name: string]: Json } = { 'X-Request-ID': header('XRequestId') };
    if (operation['x-rate-limit'] !== undefined) {
      extra['RateLimit'] = header('RateLimit');
      extra['RateLimit-Policy'] = header('RateLimitPolicy');
    }
    if (idempotent) extra['Idempotency-Replayed'] = header('IdempotencyReplayed');
    response.headers = { ...response.headers, ...extra };
  }
}

function problemTable(registry: ProblemRegistry): string {
  const rows = Object.entries(registry).map(([slug, entry]) => `| \`${entry.type ?? slug}\` | ${entry.status} | ${entry.description} |`);
  return ['| problem | status | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** Problem documents (RFC 9457): the only place that turns errors into status codes and bodies. */
import { problems } from '../../generated/problems.ts';
import { DomainError, type ProblemOptions, type ProblemSlug } from '../core/errors.ts';
import { errorCode } from '../core/values.ts';

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  request_id: string;
  [extension: string]: unknown;
}

export interface RenderedProblem {
  status: number;
  headers: Record<string, string>;
  body: ProblemDocument;
  /** The cause, where it is a fault of ours and belongs in the log. */
  fault: unknown;
}

/** What a problem needs to know of its request. */
export interface ProblemPlace {
  path: string;
  requestId: string;
}

/** SQLSTATE classes that mean "the database is not there now": connection, resources, operator intervention. */
const UNAVAILABLE_STATES = /^(08|28|3D000|53|57P0)/;
const UNAVAILABLE_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOENT']);
/** No room: on our disk, or in our share of it. */
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT']);
/** The same, on the database's. */
const FULL_STATE = '53100';
const UNAVAILABLE_MESSAGES = /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Cannot use a pool after calling end|not currently accepting connections/;

export function renderProblem(error: unknown, place: ProblemPlace): RenderedProblem {
  if (error instanceof DomainError) return build(error.kind, error.message, error.options, place, null);
  const code = errorCode(error);
  if (FULL_CODES.has(code)) {
    return build('disk-pressure', "The portal's disk has no room left for what you sent; nothing of it was kept. Have an operator make room (GET /v1/admin/disk tells where), then send it again.", { retryAfter: 60 }, place, error);
  }
  if (code === FULL_STATE) {
    return build('unavailable', "The database's disk has no room left; nothing was changed. Have an operator make room, then send it again.", { retryAfter: 60 }, place, error);
  }
  if (isUnavailable(error)) {
    return build('unavailable', 'The database does not answer at the moment; nothing was changed. Try again.', { retryAfter: 2 }, place, error);
  }
  return build('internal-error', 'The portal could not answer this request; the fault is logged under the request id.', {}, place, error);
}

function build(kind: ProblemSlug, detail: string, options: ProblemOptions, place: ProblemPlace, fault: unknown): RenderedProblem {
  const { retryAfter, allow, ...extensions } = options;
  const { type, title, status } = problems[kind];
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json; charset=utf-8', 'Cache-Control': 'no-store' };
  if (retryAfter !== undefined) headers['Retry-After'] = String(Math.max(0, Math.ceil(retryAfter)));
  if (allow !== undefined) headers['Allow'] = allow.join(', ');
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
  return { status, headers, body: { type, title, status, detail, instance: place.path, request_id: place.requestId, ...extensions }, fault };
}

/** Is the database (or the way to it) gone, rather than the request or our code wrong? */
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  return UNAVAILABLE_STATES.test(code) || UNAVAILABLE_CODES.has(code) || UNAVAILABLE_MESSAGES.test(error.message);
}

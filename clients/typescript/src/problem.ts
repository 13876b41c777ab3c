/** What the portal refuses, and what it could not be asked: errors of the client. */
import { problemSlugs, problemTypes, type ProblemSlug } from './generated/contract.ts';

/** One fault of a request: a JSON pointer into the body, or a parameter's name. */
export interface RequestFault {
  pointer?: string;
  parameter?: string;
  message: string;
}

export interface ProblemFields {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors: readonly RequestFault[];
  /** Quote it when you report a fault. */
  requestId: string | null;
  /** Seconds, from Retry-After. */
  retryAfter: number | null;
  /** The document as it came: members such as `active_scan_id` are here. */
  document: Readonly<Record<string, unknown>>;
}

/** A problem document (RFC 9457), or an answer of the same status by something before the portal, whose `slug` is null. */
export class PortalProblem extends Error implements ProblemFields {
  override readonly name = 'PortalProblem';
  readonly type: string;
  /** The last part of `type`: compare this. Null where the type is none of the contract's. */
  readonly slug: ProblemSlug | null;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly RequestFault[];
  readonly requestId: string | null;
  readonly retryAfter: number | null;
  readonly document: Readonly<Record<string, unknown>>;

  constructor(fields: ProblemFields) {
    super(`${fields.title} (${fields.status}): ${fields.detail}`);
    this.type = fields.type;
    this.slug = slugOf(fields.type);
    this.title = fields.title;
    this.status = fields.status;
    this.detail = fields.detail;
    this.errors = fields.errors;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
    this.document = fields.document;
  }
}

/** The portal could not be reached, also not by trying again. `cause` says why. */
export class PortalUnreachable extends Error {
  override readonly name = 'PortalUnreachable';
}

/** Something took longer than the caller allowed. */
export class PortalTimeout extends Error {
  override readonly name = 'PortalTimeout';
}

export function slugOf(type: string): ProblemSlug | null {
  return problemSlugs.find((slug) => problemTypes[slug] === type) ?? null;
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The error that an answer of 400 and above, or a redirect, means. Reads its body. */
export async function problemOf(response: Response, now: Date = new Date()): Promise<PortalProblem> {
  const text = await response.text().catch(() => '');
  const document = response.headers.get('Content-Type')?.startsWith('application/problem+json') === true ? parsed(text) : {};
  const string = (name: string, otherwise: string): string => (typeof document[name] === 'string' ? document[name] : otherwise);
  return new PortalProblem({
    type: string('type', 'about:blank'),
    title: string('title', response.statusText || 'Unexpected answer'),
    status: response.status,
    detail: string('detail', strangerDetail(response)),
    errors: Array.isArray(document['errors']) ? document['errors'].filter(isRecord).map(requestFault) : [],
    requestId: typeof document['request_id'] === 'string' ? document['request_id'] : response.headers.get('X-Request-ID'),
    retryAfter: retryAfterSeconds(response.headers.get('Retry-After'), now),
    document,
  });
}

/** Seconds of Retry-After, which holds those or a date (RFC 9110, section 10.2.3); null where it says nothing. */
export function retryAfterSeconds(text: string | null, now: Date): number | null {
  if (text === null) return null;
  if (/^\d+$/.test(text.trim())) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now.getTime()) / 1000));
}

function strangerDetail({ status, headers, url }: Response): string {
  const location = headers.get('Location');
  return location !== null && status < 400 ? `${url} leads to ${location}: use that address.` : `${url} did not answer as the portal does. Is the address right, and the portal up?`;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function requestFault({ pointer, parameter, message }: Record<string, unknown>): RequestFault {
  return { ...(typeof pointer === 'string' ? { pointer } : {}), ...(typeof parameter === 'string' ? { parameter } : {}), message: String(message) };
}

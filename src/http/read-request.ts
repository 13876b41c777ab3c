/** From the raw request to what the contract speaks of: query, headers and cookies as values, and a bounded JSON body. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseCookie } from 'cookie';
import { DomainError } from '../core/errors.ts';
import { isStorable } from '../core/values.ts';

export const JSON_LIMIT_BYTES = 1024 * 1024;
export const WEBHOOK_LIMIT_BYTES = 4 * 1024 * 1024;
const UNREAD_GRACE_MS = 5_000;

/** Repeated keys become arrays for the names in `arrays`; for any other name they are a fault. Throws invalid-request. */
export function readQuery(text: string, arrays: readonly string[]): Record<string, string | string[]> {
  const query = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const present = query.get(name);
    if (value.includes('\u0000')) throw badParameter(name, 'must not hold a NUL character');
    if (arrays.includes(name)) query.set(name, Array.isArray(present) ? [...present, value] : [value]);
    else if (present === undefined) query.set(name, value);
    else throw badParameter(name, 'is given more than once');
  }
  return Object.fromEntries(query);
}

/** The declared headers only, lower-case; a header sent twice is a fault where one value is meant. */
export function readHeaders(request: IncomingMessage, declared: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of declared) {
    const values = request.headersDistinct[name];
    if (values === undefined) continue;
    if (values.length > 1) throw badParameter(name, 'is given more than once');
    headers[name] = values[0] ?? '';
  }
  return headers;
}

export function readCookies(request: IncomingMessage): Record<string, string | undefined> {
  return request.headers.cookie === undefined ? {} : parseCookie(request.headers.cookie);
}

export function badParameter(parameter: string, message: string): DomainError {
  return new DomainError('invalid-request', `Parameter '${parameter}' ${message}.`, { errors: [{ parameter, message }] });
}

/** The media type without parameters, lower-case; '' where there is none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0';
}

/** The whole body, at most `limit` bytes. Throws payload-too-large before reading where Content-Length already tells. */
export async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = (): DomainError => new DomainError('payload-too-large', `The body is larger than the ${limit} bytes that this operation takes. Send less, or a file as multipart/form-data where it takes one.`, { limit_bytes: limit });
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= limit) return;
      stop();
      reject(tooLarge());
    };
    const onEnd = (): void => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const onGone = (): void => {
      stop();
      reject(new DomainError('invalid-request', 'The body ended before its declared length. Send it again.', { errors: [{ message: 'incomplete body' }] }));
    };
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/**
 * Lets a refused request end well: what the client still sends is thrown away for a while, so that it can read the answer; then the
 * connection is cut. Without this the client sees a reset instead of the problem.
 */
export function settleUnread(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return;
  response.setHeader('Connection', 'close');
  request.resume();
  const cut = setTimeout(() => request.destroy(), UNREAD_GRACE_MS);
  cut.unref();
  request.once('close', () => clearTimeout(cut));
}

/** Parses JSON; faults are invalid-request. Refuses what PostgreSQL cannot store and text that is not UTF-8. */
export function parseJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new DomainError('invalid-request', 'The body is not valid UTF-8. Send JSON in UTF-8.', { errors: [{ message: 'not UTF-8' }] });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (/\\u(?:0000|d[89a-f])/i.test(text) && !isStorable(value)) throw new SyntaxError('strings must not hold the NUL character or half of a surrogate pair');
    return value;
  } catch (error) {
    const message = error instanceof Error ? error.message : 'not JSON';
    throw new DomainError('invalid-request', `The body is not valid JSON: ${message.slice(0, 200)}.`, { errors: [{ message: message.slice(0, 200) }] });
  }
}

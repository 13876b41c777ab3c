/**
 * One request to Dependency-Track, and what its answers mean before anybody reads them. The operator names the server, so that it may be on a private network; redirects are not followed,
 * time and size are bounded.
 */
import type { Readable } from 'node:stream';
import { cut, errorCode, isRecord, textOf } from '../core/values.ts';
import { AddressError, createAddressGuard } from './addresses.ts';
import { requestPinned, type PinnedAnswer } from './pinned-request.ts';

export interface DependencyTrack {
  /** Without a slash and without `/api` at its end. */
  url: string;
  apiKey: string;
  /** When everything must be over. */
  signal: AbortSignal;
}

/** `message` is for users, and holds neither the key nor an address. */
export class DependencyTrackError extends Error {
  /** Would others fare the same? False where it is about this SBOM or project. */
  readonly isGeneral: boolean;
  constructor(message: string, isGeneral: boolean) {
    super(message);
    this.isGeneral = isGeneral;
  }
}

const MAX_ANSWER_BYTES = 1024 * 1024;

export interface Answer {
  status: number;
  body: unknown;
  headers: PinnedAnswer['headers'];
  bytes: number;
}

interface CallOptions {
  headers?: Record<string, string | number>;
  payload?: Readable;
  maxBytes?: number;
}

/** Answers that are not what the API promises. */
export const nonsense = (): DependencyTrackError => new DependencyTrackError('What answers at DT_URL does not speak as Dependency-Track does.', true);

/** Throws DependencyTrackError where nothing comes in time, too much does, or a success that is no JSON. */
export async function call(server: DependencyTrack, method: 'GET' | 'POST', path: string, { headers = {}, payload, maxBytes = MAX_ANSWER_BYTES }: CallOptions = {}): Promise<Answer> {
  const url = new URL(`${server.url}${path}`);
  let answer: PinnedAnswer;
  try {
    const addresses = await createAddressGuard([url.hostname.replace(/^\[(.*)\]$/, '$1')]).resolve(url.hostname);
    answer = await requestPinned(url, {
      method, addresses, maxBytes: Math.max(1, maxBytes), signal: server.signal, payload: payload ?? null,
      headers: { Accept: 'application/json', 'User-Agent': 'sca-portal', 'X-Api-Key': server.apiKey, ...headers },
    });
  } catch (error) {
    payload?.destroy();
    if (server.signal.aborted) throw new DependencyTrackError('Dependency-Track did not answer in time (DT_TIMEOUT_SECONDS).', true);
    throw new DependencyTrackError(error instanceof AddressError ? 'The host of DT_URL has no address.' : `Dependency-Track could not be reached (${errorCode(error) || 'the connection broke'}).`, true);
  }
  if (answer.isCut) throw new DependencyTrackError('The answer of Dependency-Track is too large.', false);
  return { status: answer.status, headers: answer.headers, bytes: Buffer.byteLength(answer.text), body: jsonOf(answer) };
}

/** Of a success, which must be JSON; what is none may be plain text. */
function jsonOf({ status, text }: PinnedAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (status >= 200 && status < 300) throw nonsense();
    return text;
  }
}

/** The answer where it is a success; throws DependencyTrackError where it is none. */
export function accepted(answer: Answer): Answer {
  const { status, body } = answer;
  if (status >= 200 && status < 300) return answer;
  if (status < 400) throw new DependencyTrackError(`Dependency-Track answered with a redirect (${status}), which is not followed: DT_URL must name the place itself.`, true);
  if (status === 401) throw new DependencyTrackError('Dependency-Track does not take the key DT_API_KEY (401), or its team lacks a permission.', true);
  if (status === 403) throw new DependencyTrackError('Dependency-Track refuses access (403): the team of DT_API_KEY lacks a permission, or may not see the project.', true);
  const said = isRecord(body) ? (textOf(body['detail']) ?? textOf(body['title'])) : textOf(body);
  const words = said === null ? '' : ` (${cut(said.replaceAll(/\s+/g, ' '), 200)})`;
  throw new DependencyTrackError(`Dependency-Track answered ${status}${words}.`, status === 404 || status === 429 || status >= 500);
}

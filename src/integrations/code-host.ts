/**
 * Writing on pull requests by the APIs of GitHub and GitLab. The host is a user's word: its address is judged and pinned, redirects are not followed, time and size are bounded. What
 * may have been done though no answer came is looked for before it is done again, so that a try that is repeated leaves one comment.
 */
import { isRecord, messageOf, pause } from '../core/values.ts';
import { AddressError, type AddressGuard } from './addresses.ts';
import { requestPinned } from './pinned-request.ts';

export interface CodeHost {
  kind: 'github' | 'gitlab';
  /** Without a slash at its end. */
  apiUrl: string;
  token: string;
  guard: AddressGuard;
  /** When everything must be over. */
  signal: AbortSignal;
}

export interface PullRequest {
  /** `owner/name`; with all groups in GitLab. */
  repository: string;
  number: number;
}

export interface PostedComment {
  status: 'posted' | 'updated';
  id: number | null;
  url: string | null;
}

/** `message` is for users, and holds no secret. */
export class CodeHostError extends Error {
  /** Seconds after which another try is worth it; null where the host tells none. */
  readonly retryAfter: number | null;
  constructor(message: string, retryAfter: number | null = null) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

const ANSWER_MS = 10_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const TRIES = 3;
/** A host that wants a longer break is left to the caller. */
const LONGEST_BREAK_S = 10;
/** Of a hundred comments each. */
const MAX_PAGES = 10;

interface HostAnswer {
  status: number;
  body: unknown;
  retryAfter: number | null;
}

/** One comment on the request: the first that begins with the marker is made anew, else there is a new one. Throws CodeHostError. */
export async function postComment(host: CodeHost, request: PullRequest, marker: string, text: string): Promise<PostedComment> {
  return patiently(host.signal, async () => {
    const known = await findComment(host, request, marker);
    if (known !== null) {
      const answer = await call(host, host.kind === 'github' ? 'PATCH' : 'PUT', commentPath(host, request, known), { body: text });
      if (answer.status !== 403 && answer.status !== 404) return { status: 'updated', ...commentOf(accepted(answer)) }; // another's, or gone by now
    }
    return { status: 'posted', ...commentOf(accepted(await call(host, 'POST', commentsPath(host, request), { body: text }))) };
  });
}

export interface CommitStatus {
  state: 'success' | 'failure' | 'pending' | 'error';
  /** Later ones of a name replace earlier ones. */
  name: string;
  description: string;
  url: string;
}

/** Sets the commit's status. Throws CodeHostError. */
export async function setCommitStatus(host: CodeHost, repository: string, commit: string, status: CommitStatus): Promise<void> {
  const { state, name, description, url } = status;
  await patiently(host.signal, async () => accepted(host.kind === 'github'
    ? await call(host, 'POST', `/repos/${repository}/statuses/${commit}`, { state, context: name, description: description.slice(0, 140), target_url: url })
    : await call(host, 'POST', `/projects/${encodeURIComponent(repository)}/statuses/${commit}`, { state: state === 'failure' || state === 'error' ? 'failed' : state, name, description: description.slice(0, 255), target_url: url })));
}

const commentsPath = ({ kind }: CodeHost, { repository, number }: PullRequest): string =>
  (kind === 'github' ? `/repos/${repository}/issues/${number}/comments` : `/projects/${encodeURIComponent(repository)}/merge_requests/${number}/notes`);
const commentPath = (host: CodeHost, request: PullRequest, id: number): string => (host.kind === 'github' ? `/repos/${request.repository}/issues/comments/${id}` : `${commentsPath(host, request)}/${id}`);

async function findComment(host: CodeHost, request: PullRequest, marker: string): Promise<number | null> {
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const order = host.kind === 'github' ? '' : '&sort=asc&order_by=created_at';
    const { body } = accepted(await call(host, 'GET', `${commentsPath(host, request)}?per_page=100&page=${page}${order}`));
    const comments = Array.isArray(body) ? body.filter(isRecord) : [];
    const found = comments.find((one) => typeof one['body'] === 'string' && one['body'].startsWith(marker) && typeof one['id'] === 'number');
    if (typeof found?.['id'] === 'number') return found['id'];
    if (comments.length < 100) return null;
  }
  return null;
}

function commentOf({ body }: HostAnswer): { id: number | null; url: string | null } {
  const { id, html_url: url } = isRecord(body) ? body : {};
  return { id: typeof id === 'number' && Number.isSafeInteger(id) ? id : null, url: typeof url === 'string' && URL.canParse(url) && /^https?:/.test(url) ? url : null };
}

/** Throws CodeHostError for what is no success. */
function accepted(answer: HostAnswer): HostAnswer {
  const { status, body, retryAfter } = answer;
  if (status >= 200 && status < 300) return answer;
  const words = isRecord(body) && typeof body['message'] === 'string' ? ` (${body['message'].slice(0, 200)})` : '';
  if (status === 429 || status >= 500 || (status === 403 && retryAfter !== null)) throw new Passing(`The code host answered ${status}${words}.`, retryAfter);
  if (status === 401) throw new CodeHostError("The code host does not take the project's token. Set a new one.");
  if (status === 403 || status === 404) throw new CodeHostError(`The code host answered ${status}${words}: the token may not write there, or there is no such repository or request.`);
  throw new CodeHostError(`The code host answered ${status}${words}.`);
}

/** What may go over by itself. */
export class Passing extends CodeHostError {}

async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Passing) || tries >= TRIES || signal.aborted || (error.retryAfter ?? 0) > LONGEST_BREAK_S) throw error;
      await pause((error.retryAfter ?? 0.25 * 4 ** (tries - 1)) * 1000);
    }
  }
}

async function call(host: CodeHost, method: string, path: string, json?: object): Promise<HostAnswer> {
  const url = new URL(host.apiUrl + path);
  const payload = json === undefined ? null : JSON.stringify(json);
  const credential: Record<string, string> = host.kind === 'github' ? { Authorization: `Bearer ${host.token}`, Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' } : { 'PRIVATE-TOKEN': host.token, Accept: 'application/json' };
  const headers: Record<string, string | number> = { 'User-Agent': 'sca-portal', 'Accept-Encoding': 'identity', ...credential, ...(payload === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }) };
  try {
    const addresses = await host.guard.resolve(url.hostname);
    const answer = await requestPinned(url, { method, headers, addresses, payload, maxBytes: MAX_ANSWER_BYTES, signal: AbortSignal.any([host.signal, AbortSignal.timeout(ANSWER_MS)]) });
    if (answer.isCut) throw new CodeHostError('The code host answers more than can be read.');
    return { status: answer.status, body: parse(answer.text), retryAfter: waitOf(answer.headers) };
  } catch (error) {
    if (error instanceof AddressError) throw error.code === 'refused' ? new CodeHostError(error.message) : new Passing(error.message);
    if (host.signal.aborted) throw new CodeHostError('The code host takes too long to answer.');
    throw error instanceof CodeHostError ? error : new Passing(`The code host does not answer (${messageOf(error)}).`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Seconds that the host asks to wait: Retry-After, or when the limit that is used up begins anew. */
function waitOf(headers: NodeJS.Dict<string | string[]>): number | null {
  const number = (name: string): number | null => (typeof headers[name] === 'string' && /^\d+$/.test(headers[name]) ? Number(headers[name]) : null);
  const after = number('retry-after');
  if (after !== null) return after;
  const reset = number('x-ratelimit-remaining') === 0 ? number('x-ratelimit-reset') : number('ratelimit-remaining') === 0 ? number('ratelimit-reset') : null;
  return reset === null ? null : Math.max(1, reset - Math.floor(Date.now() / 1000));
}

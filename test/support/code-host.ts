/** Code hosts: one that sends webhooks, signed as GitHub does or with GitLab's token, and one that takes comments. */
import { createHmac } from 'node:crypto';
import { isRecord } from '../../src/core/values.ts';
import type { Answer, ContractClient } from './contract.ts';
import { startServer } from './identity-provider.ts';

export interface Sent {
  event?: string;
  delivery?: string | null;
  /** In place of the right signature or token; null for none. */
  proof?: string | null;
}

export function sendGithub(client: ContractClient, secret: string, payload: object | string, { event = 'push', delivery = crypto.randomUUID(), proof }: Sent = {}): Promise<Answer> {
  const raw = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signature = proof === undefined ? `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}` : proof;
  return client.call('receiveGithubWebhook', { raw, headers: { 'X-GitHub-Event': event, ...(delivery === null ? {} : { 'X-GitHub-Delivery': delivery }), ...(signature === null ? {} : { 'X-Hub-Signature-256': signature }) } });
}

export function sendGitlab(client: ContractClient, secret: string, payload: object | string, { event = 'Push Hook', delivery = crypto.randomUUID(), proof }: Sent = {}): Promise<Answer> {
  const token = proof === undefined ? secret : proof;
  return client.call('receiveGitlabWebhook', { raw: typeof payload === 'string' ? payload : JSON.stringify(payload), headers: { 'X-Gitlab-Event': event, ...(delivery === null ? {} : { 'X-Gitlab-Event-UUID': delivery }), ...(token === null ? {} : { 'X-Gitlab-Token': token }) } });
}

const COMMIT = '3f786850e387550fdab836ed7e6dc881de23001b';

export const githubPush = (repository: string, ref = 'refs/heads/main', after = COMMIT): object => ({ ref, after, deleted: /^0+$/.test(after), repository: { full_name: 'acme/x', clone_url: repository } });
export const gitlabPush = (repository: string, ref = 'refs/heads/main', sha: string | null = COMMIT): object => ({ object_kind: 'push', ref, after: sha ?? '0'.repeat(40), checkout_sha: sha, project: { git_http_url: repository } });

/** An API of a code host on loopback, strict about what it is asked: comments of one request, and commit statuses. */
export interface TestCodeHost {
  url: string;
  /** Bodies by id, in order. */
  comments: Map<number, string>;
  statuses: Record<string, unknown>[];
  /** What was asked, `METHOD path`. */
  asked: string[];
  /** In place of the next answers: a status with headers, or null for none at all. */
  failures: ({ status: number; headers?: Record<string, string>; after?: boolean } | null)[];
  /** Of comments that the token may not change. */
  foreign: Set<number>;
}

export async function startCodeHost(kind: 'github' | 'gitlab', repository: string, number: number, token: string): Promise<TestCodeHost> {
  const comments = new Map<number, string>();
  const state: Omit<TestCodeHost, 'url'> = { comments, statuses: [], asked: [], failures: [], foreign: new Set() };
  const [list, one, status] = kind === 'github'
    ? [`/repos/${repository}/issues/${number}/comments`, `/repos/${repository}/issues/comments/`, `/repos/${repository}/statuses/`]
    : [`/projects/${encodeURIComponent(repository)}/merge_requests/${number}/notes`, `/projects/${encodeURIComponent(repository)}/merge_requests/${number}/notes/`, `/projects/${encodeURIComponent(repository)}/statuses/`];
  const { url } = await startServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const at = new URL(request.url ?? '', 'http://x');
      state.asked.push(`${request.method ?? ''} ${at.pathname}`);
      const answer = (code: number, body: unknown, headers: Record<string, string> = {}): void => void response.writeHead(code, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
      const failure = state.failures.shift();
      if (failure === null) return void request.socket.destroy();
      if (failure !== undefined && failure.after !== true) return answer(failure.status, { message: 'not now' }, failure.headers);
      const fits = kind === 'github'
        ? request.headers.authorization === `Bearer ${token}` && request.headers.accept === 'application/vnd.github+json' && request.headers['x-github-api-version'] === '2022-11-28' && request.headers['user-agent'] !== undefined
        : request.headers['private-token'] === token;
      if (!fits) return answer(401, { message: 'Bad credentials' });
      const body: unknown = chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString('utf8'));
      const text = isRecord(body) && typeof body['body'] === 'string' ? body['body'] : null;
      const shown = (id: number): object => ({ id, body: comments.get(id), ...(kind === 'github' ? { html_url: `https://git.example.com/${repository}/pull/${number}#c${id}` } : {}) });
      if (request.method === 'GET' && at.pathname === list) {
        const [page, size] = [Number(at.searchParams.get('page')), Number(at.searchParams.get('per_page'))];
        return answer(200, [...comments.keys()].slice((page - 1) * size, page * size).map(shown));
      }
      if (request.method === 'POST' && at.pathname === list && text !== null) {
        const id = 1000 + comments.size;
        comments.set(id, text);
        return failure === undefined ? answer(201, shown(id)) : void request.socket.destroy(); // done, but the answer is lost
      }
      const id = Number(at.pathname.slice(one.length));
      if (request.method === (kind === 'github' ? 'PATCH' : 'PUT') && at.pathname.startsWith(one) && comments.has(id) && text !== null) {
        if (state.foreign.has(id)) return answer(403, { message: 'Must be the author' });
        comments.set(id, text);
        return answer(200, shown(id));
      }
      if (request.method === 'POST' && at.pathname.startsWith(status) && isRecord(body)) {
        state.statuses.push({ sha: at.pathname.slice(status.length), ...body });
        return answer(201, {});
      }
      return answer(404, { message: 'Not Found' });
    });
  });
  return { url, ...state };
}

/** A code host that sends webhooks: signed as GitHub does, or with GitLab's token. */
import { createHmac } from 'node:crypto';
import type { Answer, ContractClient } from './contract.ts';

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

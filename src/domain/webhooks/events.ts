/** What a code host's event asks for: a scan of a ref at a commit, or nothing. Pure; payloads are untrusted. */
import { isRecord } from '../../core/values.ts';
import type { ScanWish } from '../../db/webhooks.ts';

export type Wish =
  | { scan: ScanWish }
  | { ignored: string };

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/i;
const NO_COMMIT = /^0+$/;

const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' && value.length <= 2048 ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null);
const commitOf = (value: unknown): string | null => (typeof value === 'string' && COMMIT.test(value) && !NO_COMMIT.test(value) ? value.toLowerCase() : null);

/** URLs by which the payload names its repository; none where it names none. */
export function githubRepository(payload: unknown): string[] {
  const repository = record(record(payload)['repository']);
  return ['clone_url', 'ssh_url', 'git_url', 'html_url'].flatMap((name) => text(repository[name]) ?? []);
}

export function gitlabRepository(payload: unknown): string[] {
  const [project, repository] = [record(record(payload)['project']), record(record(payload)['repository'])];
  return [project['git_http_url'], project['git_ssh_url'], project['web_url'], repository['git_http_url'], repository['git_ssh_url'], repository['homepage']].flatMap((url) => text(url) ?? []);
}

/** @param event as X-GitHub-Event has it */
export function githubWish(event: string, payload: unknown): Wish {
  const body = record(payload);
  if (event === 'push') return pushed(body['ref'], body['after'], body['deleted'] === true);
  if (event !== 'pull_request') return { ignored: `The event '${event}' starts no scan.` };
  const action = text(body['action']) ?? '';
  if (!['opened', 'synchronize', 'reopened'].includes(action)) return { ignored: `The action '${action}' of a pull request starts no scan.` };
  const request = record(body['pull_request']);
  return requested('pull', number(body['number']), commitOf(record(request['head'])['sha']), text(record(request['base'])['ref']));
}

/** @param event as X-Gitlab-Event has it */
export function gitlabWish(event: string, payload: unknown): Wish {
  const body = record(payload);
  if (event === 'Push Hook' || event === 'Tag Push Hook') return pushed(body['ref'], body['checkout_sha'] ?? body['after'], body['checkout_sha'] === null || NO_COMMIT.test(text(body['after']) ?? ''));
  if (event !== 'Merge Request Hook') return { ignored: `The event '${event}' starts no scan.` };
  const attributes = record(body['object_attributes']);
  const action = text(attributes['action']) ?? '';
  if (action === 'update' && text(attributes['oldrev']) === null) return { ignored: 'The merge request has no new commits.' };
  if (!['open', 'reopen', 'update'].includes(action)) return { ignored: `The action '${action}' of a merge request starts no scan.` };
  return requested('merge-requests', number(attributes['iid']), commitOf(record(attributes['last_commit'])['id']), text(attributes['target_branch']));
}

function pushed(ref: unknown, commit: unknown, deletes: boolean): Wish {
  const name = text(ref);
  if (name === null || !/^refs\/(?:heads|tags)\/./.test(name)) return { ignored: 'The push is to neither a branch nor a tag.' };
  if (deletes) return { ignored: 'The push deletes the ref.' };
  const head = commitOf(commit);
  return head === null ? { ignored: 'The push names no commit.' } : { scan: { ref: name, commit: head, metadata: {} } };
}

/** The head of a request, which the repository itself has, whichever fork it comes from. */
function requested(kind: 'pull' | 'merge-requests', id: number | null, commit: string | null, base: string | null): Wish {
  if (id === null || commit === null) return { ignored: 'The request has no number or no commit.' };
  return { scan: { ref: `refs/${kind}/${id}/head`, commit, metadata: { [kind === 'pull' ? 'pull_request' : 'merge_request']: id, ...(base === null ? {} : { base_ref: base }) } } };
}

/** Commenting on a pull request: one comment a project, made anew in its place. */
import { baseUrl } from '../../config.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { cut, isRecord } from '../../core/values.ts';
import { baseOfRequest, findCodeHost, type CodeHostRow } from '../../db/code-hosts.ts';
import { withLease } from '../../db/leases.ts';
import type { ProjectRow } from '../../db/projects.ts';
import { listFindingChanges } from '../../db/scan-diff-findings.ts';
import { findScan, type ScanRow } from '../../db/scans.ts';
import { createAddressGuard } from '../../integrations/addresses.ts';
import { CodeHostError, postComment, setCommitStatus, type CodeHost, type CommitStatus, type PullRequest } from '../../integrations/code-host.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { gateResult, type GateResult } from '../gate/result.ts';
import { getProject } from '../projects/read.ts';
import { commentText, markerOf, previewOf } from './words.ts';

const ROWS = 25;
const PREVIEW = 280;
const DEADLINE_MS = 25_000;

export interface CommentOutcome {
  status: 'posted' | 'updated' | 'dry_run';
  commentId: number | null;
  commentUrl: string | null;
  preview: string;
  gate: GateResult['gate'];
  /** Null where the scan has no commit, or for a dry run. */
  commitStatus: 'set' | 'not_set' | null;
}

/** Throws not-found, scan-not-finished, validation-failed (another repository), code-host-not-set, bad-gateway. */
export async function commentOnRequest(context: Context, scanId: string, request: PullRequest, isDryRun: boolean): Promise<CommentOutcome> {
  const scan = await findScan(context.db, scanId);
  if (scan === undefined) throw notFound('The scan');
  if (scan.status !== 'succeeded') throw new DomainError('scan-not-finished', `The scan is ${scan.status}: it has nothing to tell. Wait for its end, or name a scan that has succeeded.`);
  const project = await getProject(context, scan.project_id);
  const words = await wordsFor(context, scan, project);
  if (isDryRun) return { ...words.outcome, status: 'dry_run', commentId: null, commentUrl: null, commitStatus: null };
  if (!isOfProject(request.repository, project.git_url)) {
    throw new DomainError('validation-failed', "repo_full_name is not the repository of the project's git_url. Change the one that is wrong.", { errors: [{ pointer: '/repo_full_name', message: "is not the project's repository" }] });
  }
  return told(() => commentOnHost(context, scan, project, request, words));
}

export interface Told {
  text: string;
  status: CommitStatus;
  outcome: Pick<CommentOutcome, 'gate' | 'preview'>;
}

/** Comments, one at a time on each request, over all processes. Throws code-host-not-set, unavailable, CodeHostError. */
export function commentOnHost(context: Context, scan: ScanRow, project: ProjectRow, request: PullRequest, { text, status, outcome }: Told): Promise<CommentOutcome> {
  const busy = (): DomainError => new DomainError('unavailable', 'The pull request is being commented on at the moment. Try again.', { retryAfter: 10 });
  return withLease(context.db, `pull-request:${project.id}:${request.number}`, { seconds: DEADLINE_MS / 1000 + 5, waitMs: DEADLINE_MS, refuse: busy }, async () => {
    const { host, commit_statuses: setsStatus } = await hostOf(context, project.id);
    const posted = await postComment(host, request, markerOf(project.id), text);
    const commitStatus = scan.commit_sha === null || !setsStatus ? null : await setCommitStatus(host, request.repository, scan.commit_sha, status).then(() => 'set' as const, (error: unknown) => {
      context.log.warn({ err: error, scan_id: scan.id }, 'a commit status could not be set');
      return 'not_set' as const;
    });
    await audit(context.db, context, { action: 'update', table: 'pull_requests', id: scan.id, teamId: project.team_id, diff: { repository: request.repository, number: request.number, status: posted.status, comment_id: posted.id } });
    return { ...outcome, status: posted.status, commentId: posted.id, commentUrl: posted.url, commitStatus };
  });
}

const STATES = { pass: 'success', warn: 'success', fail: 'failure', pending: 'pending' } as const;
const statusOf = (gate: GateResult, slug: string, url: string): CommitStatus => ({ state: STATES[gate.gate], name: statusName(slug), description: gate.reason ?? 'No rule of the policy is broken.', url });
/** Projects of one repository each have their own. */
export const statusName = (slug: string): string => `sca-portal/${slug}`;
export const linkTo = ({ config }: Context, { id, project_id: projectId }: ScanRow): string => `${baseUrl(config, config.PORT)}/projects/${projectId}/scans/${id}`;

/** What a scan has to tell. Throws not-found. */
export async function wordsFor(context: Context, scan: ScanRow, project: ProjectRow): Promise<Told> {
  const gate = await gateResult(context, project.id, scan.id);
  const link = linkTo(context, scan);
  const text = await compose(context, scan, gate, link);
  return { text, status: statusOf(gate, project.slug, link), outcome: { gate: gate.gate, preview: cut(previewOf(text), PREVIEW) } };
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CodeHostError)) throw error;
    throw new DomainError('bad-gateway', error.message, error.retryAfter === null ? {} : { retryAfter: error.retryAfter });
  }
}

async function compose(context: Context, scan: ScanRow, gate: GateResult, link: string): Promise<string> {
  const { webhook } = scan.metadata;
  const baseRef = isRecord(webhook) && typeof webhook['base_ref'] === 'string' ? webhook['base_ref'] : null;
  const base = await baseOfRequest(context.db, scan.id, baseRef);
  const of = (change: 'added' | 'removed', limit: number) => listFindingChanges(context.db, { base, head: scan.id }, { change: [change] }, { limit, offset: 0, sort: [{ field: 'severity', descending: false }, { field: 'cvss', descending: true }] });
  const { items, total } = await of('added', ROWS);
  const compared = base === null ? undefined : await findScan(context.db, base);
  return commentText({ projectId: scan.project_id, gate, added: { items, total }, removed: (await of('removed', 1)).total, baseRef: compared === undefined ? null : (compared.ref ?? compared.id), link });
}

/** The token may reach more: comments go to the project's own repository only. */
function isOfProject(repository: string, gitUrl: string | null): boolean {
  const path = (gitUrl ?? '').replace(/\/+$/, '').replace(/\.git$/, '').toLowerCase();
  const wanted = repository.toLowerCase();
  return path.endsWith(`/${wanted}`) || path.endsWith(`:${wanted}`);
}

/** Throws code-host-not-set. */
export async function hostOf({ db, vault, config }: Context, projectId: string): Promise<CodeHostRow & { host: CodeHost }> {
  const row = await findCodeHost(db, projectId);
  if (row === undefined) throw new DomainError('code-host-not-set', 'The project has no code host. Set one: PUT /v1/projects/{id}/code-host.');
  return { ...row, host: { kind: row.kind, apiUrl: row.api_url, token: vault.open(row.token_sealed), guard: createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES), signal: AbortSignal.timeout(DEADLINE_MS) } };
}

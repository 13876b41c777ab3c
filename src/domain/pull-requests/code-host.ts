/** Where a project's pull requests are. */
import { isIP } from 'node:net';
import { userIdOf } from '../../core/actor.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { deleteCodeHost, findCodeHost, putCodeHost, type CodeHostKind } from '../../db/code-hosts.ts';
import { inTransaction } from '../../db/transaction.ts';
import { createAddressGuard, isPrivateAddress } from '../../integrations/addresses.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { getProject } from '../projects/read.ts';

const PUBLIC: Readonly<Record<CodeHostKind, string>> = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4' };

export interface CodeHostState {
  kind: CodeHostKind;
  api_url: string;
  comments: boolean;
  commit_statuses: boolean;
  updated_at: string;
  /** What came of the last scan that was told by itself; null: none was. */
  last_report: { at: string; error: string | null } | null;
}

/** Throws not-found. */
export async function getCodeHost({ db }: Pick<Context, 'db'>, projectId: string): Promise<CodeHostState> {
  const row = await findCodeHost(db, projectId);
  if (row === undefined) throw notFound('The code host');
  const { kind, api_url, comments, commit_statuses, updated_at, reported_at: at, report_error: error } = row;
  return { kind, api_url, comments, commit_statuses, updated_at, last_report: at === null ? null : { at, error } };
}

export interface CodeHostDraft {
  kind: CodeHostKind;
  apiUrl: string | undefined;
  token: string;
  comments: boolean;
  commitStatuses: boolean;
}

/** The token comes with every change, so that none goes to an address that it was not given for. Throws not-found, project-archived, validation-failed. */
export async function replaceCodeHost(context: Context, projectId: string, draft: CodeHostDraft): Promise<CodeHostState> {
  const project = await getProject(context, projectId);
  if (project.archived_at !== null) throw new DomainError('project-archived', 'The project is archived and takes no changes.');
  const apiUrl = acceptApiUrl(context, draft.apiUrl ?? PUBLIC[draft.kind]);
  return inTransaction(context.db, async (tx) => {
    await putCodeHost(tx, { projectId: project.id, kind: draft.kind, apiUrl, tokenSealed: context.vault.seal(draft.token), comments: draft.comments, commitStatuses: draft.commitStatuses, userId: userIdOf(context.actor) });
    await audit(tx, context, { action: 'update', table: 'project_code_hosts', id: project.id, teamId: project.team_id, diff: { kind: draft.kind, api_url: apiUrl, token: draft.token, comments: draft.comments, commit_statuses: draft.commitStatuses } });
    return getCodeHost({ db: tx }, project.id);
  });
}

/** Throws not-found. */
export async function removeCodeHost(context: Context, projectId: string): Promise<void> {
  const project = await getProject(context, projectId);
  await inTransaction(context.db, async (tx) => {
    if (!(await deleteCodeHost(tx, project.id))) throw notFound('The code host');
    await audit(tx, context, { action: 'delete', table: 'project_code_hosts', id: project.id, teamId: project.team_id });
  });
}

/** Without a slash at its end. Plain http only within a network that an operator has allowed. */
function acceptApiUrl({ config }: Context, text: string): string {
  const refuse = (message: string): DomainError => new DomainError('validation-failed', `api_url ${message}.`, { errors: [{ pointer: '/api_url', message }] });
  if (!URL.canParse(text)) throw refuse('is not a URL');
  const url = new URL(text);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (createAddressGuard(config.ALLOW_PRIVATE_ADDRESSES).refuses(host)) throw refuse('leads to a private address');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isIP(host) !== 0 && isPrivateAddress(host))) throw refuse('must begin with https://');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') throw refuse('takes no user, query or fragment');
  return url.href.replace(/\/+$/, '');
}

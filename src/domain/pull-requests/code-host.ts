/** Where a project's pull requests are. */
import { userIdOf } from '../../core/actor.ts';
import { notFound, projectArchived } from '../../core/errors.ts';
import { deleteCodeHost, findCodeHost, putCodeHost, type CodeHostKind } from '../../db/code-hosts.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { acceptOutsideUrl } from '../outside-url.ts';
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
  if (project.archived_at !== null) throw projectArchived();
  const apiUrl = acceptOutsideUrl(context, draft.apiUrl ?? PUBLIC[draft.kind], '/api_url', { query: false }).href.replace(/\/+$/, '');
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

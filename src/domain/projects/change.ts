/** Changing, archiving and purging a project. */
import { DomainError, notFound, projectArchived } from '../../core/errors.ts';
import { archiveProject, findProject, hasActiveScan, purgeProject, type Distribution, type ProjectRow, type Visible } from '../../db/projects.ts';
import { lockMatching } from '../../db/matches.ts';
import { refreshFacts } from '../../db/refresh.ts';
import { chooseCurrentScan } from '../../db/scan-states.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import { updateVersioned } from '../../db/versioned.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { markGate } from '../gate/outcomes.ts';
import { expectVersion } from '../versions.ts';
import { acceptGitUrl, isSameOrigin } from './git-url.ts';
import { getProject } from './read.ts';

export interface ProjectPatch {
  name?: string | undefined;
  slug?: string | undefined;
  description?: string | null | undefined;
  git_url?: string | null | undefined;
  git_credential?: string | null | undefined;
  default_branch?: string | null | undefined;
  visibility?: Visible | undefined;
  distribution?: Distribution | undefined;
  gate?: Record<string, unknown> | undefined;
}

/** Throws not-found, precondition-required, precondition-failed, project-archived, slug-conflict, unsupported-git-url. */
export async function updateProject(context: Context, id: string, ifMatch: number | null, patch: ProjectPatch): Promise<ProjectRow> {
  const before = await getProject(context, id);
  const version = expectVersion(ifMatch, before.version);
  if (before.archived_at !== null) throw projectArchived();
  const { git_url, git_credential, gate, ...plain } = patch;
  const git = git_url === undefined || git_url === null ? null : acceptGitUrl(context.config, git_url);
  // Whoever may change the URL must not be able to send the stored credential to a server of theirs.
  const movedAway = git_url === null || (git !== null && before.git_url !== null && !isSameOrigin(before.git_url, git.url));
  const credential = git_credential === undefined ? (git?.credential ?? (movedAway ? null : undefined)) : git_credential;
  const changes = {
    ...plain, name: patch.name?.trim(), git_url: git_url === null ? null : git?.url,
    git_credential_sealed: credential === undefined ? undefined : credential === null ? null : context.vault.seal(credential),
    gate: gate === undefined ? undefined : JSON.stringify({ ...before.gate, ...gate }),
  };
  try {
    return await inTransaction(context.db, async (tx) => {
      if (patch.default_branch !== undefined) await lockMatching(tx, 'shared');
      const outcome = await updateVersioned(tx, 'projects', id, version, changes);
      if (outcome.state === 'gone') throw notFound('The project');
      if (outcome.state === 'stale') expectVersion(ifMatch, outcome.version);
      if (patch.default_branch !== undefined) {
        await chooseCurrentScan(tx, id);
        await refreshFacts(tx, id);
      }
      if (patch.default_branch !== undefined || gate !== undefined) await markGate(tx, context, id, 'policy');
      await audit(tx, context, { action: 'update', table: 'projects', id, teamId: before.team_id, diff: { ...patch, ...(git === null ? {} : { git_url: git.url }), ...(credential === undefined ? {} : { git_credential: credential }) } });
      const after = await findProject(tx, id);
      if (after === undefined) throw notFound('The project');
      return after;
    });
  } catch (error) {
    if (violates(error, 'projects_team_id_slug_key')) throw new DomainError('slug-conflict', `The team has a project with the slug '${patch.slug ?? ''}'. Choose another one.`, { errors: [{ pointer: '/slug', message: 'is taken' }] });
    throw error;
  }
}

/** Archives; with `purge`, removes an archived project and all its data. Throws scan-in-progress, conflict (not archived yet). */
export async function deleteProject(context: Context, id: string, purge: boolean): Promise<void> {
  const project = await getProject(context, id);
  await inTransaction(context.db, async (tx) => {
    if (await hasActiveScan(tx, id)) throw new DomainError('scan-in-progress', 'A scan of the project is queued or running. Wait for it, or have it cancelled.');
    if (purge) {
      if (!(await purgeProject(tx, id))) throw new DomainError('conflict', 'Only an archived project can be purged. Archive it first: DELETE without purge.');
      await audit(tx, context, { action: 'delete', table: 'projects', id, teamId: project.team_id, diff: { name: project.name } });
    } else if (await archiveProject(tx, id, context.now())) {
      await audit(tx, context, { action: 'archive', table: 'projects', id, teamId: project.team_id, diff: { archived: true } });
    }
  });
}

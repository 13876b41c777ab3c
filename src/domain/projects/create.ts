/** A new project. */
import { userIdOf } from '../../core/actor.ts';
import { DomainError } from '../../core/errors.ts';
import { allows } from '../../core/permissions.ts';
import { findProject, insertProject, slugsLike, type Distribution, type ProjectRow, type Visible } from '../../db/projects.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import type { Tx } from '../../db/connect.ts';
import { lockUserTeam } from '../../db/users.ts';
import { insertPersonalTeam } from '../accounts/create.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { acceptGitUrl } from './git-url.ts';
import { freeSlug, slugify } from './slug.ts';

export interface ProjectDraft {
  name: string;
  slug?: string | undefined;
  teamId?: string | undefined;
  description?: string | null | undefined;
  gitUrl?: string | null | undefined;
  gitCredential?: string | null | undefined;
  defaultBranch?: string | null | undefined;
  visibility: Visible;
  distribution: Distribution;
  gate?: Record<string, unknown> | undefined;
}

const MAX_SLUG_TRIES = 5;

/** Throws slug-conflict, unsupported-git-url. A slug that is made here and taken meanwhile is made again. */
export async function createProject(context: Context, draft: ProjectDraft): Promise<ProjectRow> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(context.db, (tx) => insert(tx, context, draft));
    } catch (error) {
      if (!violates(error, 'projects_team_id_slug_key')) throw error;
      if (draft.slug !== undefined || attempt >= MAX_SLUG_TRIES) {
        throw new DomainError('slug-conflict', `The team has a project with the slug '${draft.slug ?? slugify(draft.name)}'. Choose another one.`, { errors: [{ pointer: '/slug', message: 'is taken' }] });
      }
    }
  }
}

async function insert(tx: Tx, context: Context, draft: ProjectDraft): Promise<ProjectRow> {
  const git = draft.gitUrl === undefined || draft.gitUrl === null ? null : acceptGitUrl(context.config, draft.gitUrl);
  const credential = draft.gitCredential ?? git?.credential ?? null;
  const teamId = draft.teamId ?? (await defaultTeam(tx, context));
  const base = draft.slug ?? slugify(draft.name);
  const id = await insertProject(tx, {
    teamId, name: draft.name.trim(), slug: draft.slug ?? freeSlug(base, await slugsLike(tx, teamId, base)), description: draft.description ?? null,
    gitUrl: git?.url ?? null, gitCredentialSealed: credential === null ? null : context.vault.seal(credential),
    defaultBranch: draft.defaultBranch ?? null, visibility: draft.visibility, distribution: draft.distribution, gate: draft.gate ?? {}, createdByUserId: userIdOf(context.actor),
  });
  await audit(tx, context, { action: 'create', table: 'projects', id, teamId, diff: { name: draft.name, git_url: git?.url, git_credential: credential ?? undefined } });
  const project = await findProject(tx, id);
  if (project === undefined) throw new Error('the new project is not there');
  return project;
}

/** The oldest membership in which the caller may create projects; a caller without any gets a team of their own. */
async function defaultTeam(tx: Tx, context: Context): Promise<string> {
  const { actor } = context;
  if (actor.kind !== 'user' && actor.kind !== 'api_key') throw new DomainError('forbidden', 'Name the team_id that is to own the project.');
  const own = [...actor.memberships.keys()].find((teamId) => allows(actor, 'project.create', { teamId, projectId: null, organizationWide: false }));
  if (own === undefined && actor.kind === 'api_key') throw new DomainError('forbidden', `API key 'tos_${actor.prefix}_…' reaches no team in which it may create projects.`);
  // of two first projects at once the second finds the team of the first
  return own ?? (await lockUserTeam(tx, actor.userId)) ?? insertPersonalTeam(tx, context, actor.userId, actor.email);
}

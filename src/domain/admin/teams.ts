/** Teams of the whole installation. */
import { DomainError, notFound } from '../../core/errors.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { deleteTeam as deleteRow, findAdminTeam, insertTeam, listAdminTeams, lockTeams, teamContents, teamSlugsLike, type AdminTeamDetail, type AdminTeamRow } from '../../db/admin-teams.ts';
import type { Db } from '../../db/connect.ts';
import { inTransaction, violates } from '../../db/transaction.ts';
import { updateVersioned } from '../../db/versioned.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { freeSlug, slugify } from '../projects/slug.ts';
import { expectVersion } from '../versions.ts';

export interface TeamDraft {
  name: string;
  slug?: string | undefined;
  description?: string | null | undefined;
}

const MAX_SLUG_TRIES = 5;

export async function listAllTeams({ db }: Pick<Context, 'db'>, text: string | undefined, page: PageRequest): Promise<Page<AdminTeamRow>> {
  return { ...(await listAdminTeams(db, text, page)), limit: page.limit, offset: page.offset };
}

/** Throws not-found. */
export async function getTeam({ db }: { db: Db }, id: string): Promise<AdminTeamDetail> {
  const team = await findAdminTeam(db, id);
  if (team === undefined) throw notFound('The team');
  return team;
}

/** Throws slug-conflict. A slug that is made here and taken meanwhile is made again. */
export async function createTeam(context: Context, draft: TeamDraft): Promise<AdminTeamDetail> {
  const name = draft.name.trim();
  const base = draft.slug ?? slugify(name, 'team');
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(context.db, async (tx) => {
        const slug = draft.slug ?? freeSlug(base, await teamSlugsLike(tx, base));
        const id = await insertTeam(tx, { name, slug, description: draft.description ?? null });
        await audit(tx, context, { action: 'create', table: 'teams', id, teamId: id, diff: { name, slug, description: draft.description } });
        return getTeam({ db: tx }, id);
      });
    } catch (error) {
      if (!violates(error, 'teams_slug_key')) throw error;
      if (draft.slug !== undefined || attempt >= MAX_SLUG_TRIES) throw slugConflict(base);
    }
  }
}

/** Throws not-found, precondition-required, precondition-failed, slug-conflict. */
export async function updateTeam(context: Context, id: string, ifMatch: number | null, patch: Partial<TeamDraft>): Promise<AdminTeamDetail> {
  const before = await getTeam(context, id);
  const version = expectVersion(ifMatch, before.version);
  const changes = { name: patch.name?.trim(), slug: patch.slug, description: patch.description };
  try {
    return await inTransaction(context.db, async (tx) => {
      const outcome = await updateVersioned(tx, 'teams', id, version, changes);
      if (outcome.state === 'gone') throw notFound('The team');
      if (outcome.state === 'stale') expectVersion(ifMatch, outcome.version);
      await audit(tx, context, { action: 'update', table: 'teams', id: before.id, teamId: before.id, diff: changesOf(before, changes) });
      return getTeam({ db: tx }, id);
    });
  } catch (error) {
    throw violates(error, 'teams_slug_key') ? slugConflict(patch.slug ?? '') : error;
  }
}

/** Throws not-found, team-has-active-scans, team-has-projects. The lock keeps projects from being made meanwhile. */
export async function deleteTeam(context: Context, id: string): Promise<void> {
  await inTransaction(context.db, async (tx) => {
    const [team] = await lockTeams(tx, [id], 'delete');
    if (team === undefined) throw notFound('The team');
    const { projects, active_scans: scans, ...gone } = await teamContents(tx, id);
    if (scans > 0) throw new DomainError('team-has-active-scans', `${scans} scans of the team are queued or running. Wait for them, or cancel them.`);
    if (projects > 0) throw new DomainError('team-has-projects', `The team owns ${projects} projects, archived ones included. Purge them first.`, { project_count: projects });
    await deleteRow(tx, team.id);
    await audit(tx, context, { action: 'delete', table: 'teams', id: team.id, teamId: team.id, diff: { name: team.name, members_removed: gone.members, keys_removed: gone.api_keys } });
  });
}

/** `[before, after]` of what differs. */
function changesOf(before: AdminTeamDetail, after: { name: string | undefined; slug: string | undefined; description: string | null | undefined }): Record<string, unknown> {
  const pairs = { name: [before.name, after.name], slug: [before.slug, after.slug], description: [before.description, after.description] };
  return Object.fromEntries(Object.entries(pairs).filter(([, [old, next]]) => next !== undefined && next !== old));
}

const slugConflict = (slug: string): DomainError => new DomainError('slug-conflict', `There is a team with the slug '${slug}'. Choose another one.`, { errors: [{ pointer: '/slug', message: 'is taken' }] });

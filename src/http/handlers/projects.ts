/** /v1/projects. */
import { createProject } from '../../domain/projects/create.ts';
import { deleteProject, updateProject } from '../../domain/projects/change.ts';
import { getProject, listVisibleProjects } from '../../domain/projects/read.ts';
import { getCodeHost, removeCodeHost, replaceCodeHost } from '../../domain/pull-requests/code-host.ts';
import { toGatePolicy } from '../../domain/gate/policy.ts';
import type { ProjectRow } from '../../db/projects.ts';
import { created, noContent, ok, versioned } from '../reply.ts';
import type { Handlers, Schema } from '../types.ts';

export const projects = {
  listProjects: async (context, { query, page }) => {
    const archived = query.archived ?? (query.include_archived === true ? undefined : false);
    const found = await listVisibleProjects(context, { teamId: query.team_id, text: query.q, visibility: query.visibility, archived }, page);
    return ok({ ...found, items: found.items.map(toProject) });
  },
  createProject: async (context, { body }) => {
    const { name, slug, team_id: teamId, description, git_url: gitUrl, git_credential: gitCredential, default_branch: defaultBranch, visibility, distribution, gate } = body;
    return created('/v1/projects', toProject(await createProject(context, { name, slug, teamId, description, gitUrl, gitCredential, defaultBranch, visibility, distribution, gate })));
  },
  getProject: async (context, { path }) => versioned(toProject(await getProject(context, path.id))),
  updateProject: async (context, { path, body, ifMatch }) => versioned(toProject(await updateProject(context, path.id, ifMatch, body))),
  deleteProject: async (context, { path, query }) => {
    await deleteProject(context, path.id, query.purge ?? false);
    return noContent;
  },
  getProjectCodeHost: async (context, { path }) => ok(await getCodeHost(context, path.id)),
  replaceProjectCodeHost: async (context, { path, body }) => ok(await replaceCodeHost(context, path.id, { kind: body.kind, apiUrl: body.api_url, token: body.token, comments: body.comments, commitStatuses: body.commit_statuses })),
  deleteProjectCodeHost: async (context, { path }) => {
    await removeCodeHost(context, path.id);
    return noContent;
  },
} satisfies Partial<Handlers>;

const toProject = (row: ProjectRow): Schema<'Project'> => ({ ...row, gate: toGatePolicy(row.gate) });

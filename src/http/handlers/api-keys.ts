/** /v1/api-keys. */
import { issueApiKey, rotateApiKey } from '../../domain/api-keys/issue.ts';
import { listManagedApiKeys, revoke } from '../../domain/api-keys/manage.ts';
import { noContent, ok } from '../reply.ts';
import type { Handlers } from '../types.ts';

export const apiKeys = {
  listApiKeys: async (context, { query, page }) =>
    ok(await listManagedApiKeys(context, { scope: query.scope, teamId: query.team_id, projectId: query.project_id, includeRevoked: query.include_revoked ?? false }, page)),
  createApiKey: async (context, { body }) => {
    const { name, scope, team_id: teamId = null, project_id: projectId = null, allowed_actions: actions, expires_at: expiresAt = null } = body;
    return { status: 201, body: await issueApiKey(context, { name, scope, teamId, projectId, actions, expiresAt }) };
  },
  rotateApiKey: async (context, { path, body }) => ({ status: 201, body: await rotateApiKey(context, path.id, body.grace_seconds) }),
  deleteApiKey: async (context, { path }) => {
    await revoke(context, path.id);
    return noContent;
  },
} satisfies Partial<Handlers>;

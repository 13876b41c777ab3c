/** Listing and revoking API keys. */
import type { UserActor } from '../../core/actor.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { allows } from '../../core/permissions.ts';
import type { Page, PageRequest } from '../../core/page.ts';
import { listApiKeys, lockApiKey, revokeApiKey, type ApiKeyFilters, type ApiKeyRow } from '../../db/api-keys.ts';
import type { Db } from '../../db/connect.ts';
import { findScope } from '../../db/scopes.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { signedIn } from '../signed-in.ts';

/** The caller's own keys, and those of the teams that the caller administers; all of them for a super admin. */
export async function listManagedApiKeys(context: Context, filters: ApiKeyFilters, page: PageRequest): Promise<Page<ApiKeyRow>> {
  const viewer = signedIn(context);
  const adminTeamIds = [...viewer.memberships].filter(([, role]) => role === 'team_admin').map(([teamId]) => teamId);
  const found = await listApiKeys(context.db, viewer.isSuperAdmin ? 'all' : { userId: viewer.userId, adminTeamIds }, filters, page);
  return { ...found, limit: page.limit, offset: page.offset };
}

/** Revoking again changes nothing. Throws forbidden, not-found. */
export async function revoke(context: Context, id: string): Promise<void> {
  const actor = signedIn(context);
  await inTransaction(context.db, async (tx) => {
    const key = await lockApiKey(tx, id);
    if (key === undefined) throw notFound('The API key');
    if (!(await mayManage(tx, actor, key))) throw new DomainError('forbidden', 'Only its issuer, an admin of its team or a super admin revokes an API key.');
    if (key.revoked_at !== null) return;
    await revokeApiKey(tx, id, context.now());
    await audit(tx, context, { action: 'delete', table: 'api_keys', id, teamId: key.team_id, diff: { name: key.name, prefix: key.key_prefix } });
  });
}

/** Its issuer, an admin of the team that it belongs to, or a super admin. */
export async function mayManage(db: Db, actor: UserActor, key: ApiKeyRow): Promise<boolean> {
  if (actor.isSuperAdmin || key.created_by_user_id === actor.userId) return true;
  const scope = await findScope(db, 'api_key', key.id);
  return scope !== undefined && allows(actor, 'team.manage', scope);
}

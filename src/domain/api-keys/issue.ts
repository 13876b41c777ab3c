/** Issuing API keys, and replacing their secrets. */
import { allows } from '../../core/permissions.ts';
import type { ApiKeyAction, UserActor } from '../../core/actor.ts';
import { DomainError, notFound } from '../../core/errors.ts';
import { insertApiKey, lockApiKey, revokeApiKey, shortenApiKey, type ApiKeyRow, type KeyScope, type NewApiKey } from '../../db/api-keys.ts';
import type { Db, Tx } from '../../db/connect.ts';
import { findScope } from '../../db/scopes.ts';
import { inTransaction } from '../../db/transaction.ts';
import { audit } from '../audit.ts';
import type { Context } from '../context.ts';
import { signedIn } from '../signed-in.ts';
import { mayManage } from './manage.ts';
import { generateApiKey, hashApiKey } from './secret.ts';

export interface ApiKeyDraft {
  name: string;
  scope: KeyScope;
  teamId: string | null;
  projectId: string | null;
  actions: readonly ApiKeyAction[];
  /** RFC 3339. */
  expiresAt: string | null;
}

/** `raw_key` is nowhere else, and never again. */
export type IssuedApiKey = ApiKeyRow & { raw_key: string };

const MAX_PREFIX_TRIES = 5;

/** Throws validation-failed, forbidden. */
export async function issueApiKey(context: Context, draft: ApiKeyDraft): Promise<IssuedApiKey> {
  const issuer = signedIn(context);
  checkDraft(draft, context.now());
  if (!(await mayIssue(context.db, issuer, draft))) throw new DomainError('forbidden', REFUSALS[draft.scope]);
  return inTransaction(context.db, async (tx) => {
    const issued = await insert(tx, context, { ...draft, name: draft.name.trim(), issuerId: issuer.userId });
    await audit(tx, context, { action: 'create', table: 'api_keys', id: issued.id, teamId: draft.teamId, diff: { ...described(issued) } });
    return issued;
  });
}

/**
 * A key with a new secret and everything else as before, issued by the caller. The old one lives on for `graceSeconds`, so that a
 * pipeline can be changed over. Of two calls at once the second finds a key that is revoked or about to be. Throws conflict, forbidden, not-found.
 */
export async function rotateApiKey(context: Context, id: string, graceSeconds: number): Promise<IssuedApiKey> {
  const issuer = signedIn(context);
  const now = context.now();
  return inTransaction(context.db, async (tx) => {
    const old = await lockApiKey(tx, id);
    if (old === undefined) throw notFound('The API key');
    if (!(await mayManage(tx, issuer, old))) throw new DomainError('forbidden', 'Only its issuer, an admin of its team or a super admin rotates an API key.');
    const draft: ApiKeyDraft = { name: old.name, scope: old.scope, teamId: old.team_id, projectId: old.project_id, actions: old.allowed_actions, expiresAt: old.expires_at };
    if (!(await mayIssue(tx, issuer, draft))) throw new DomainError('forbidden', REFUSALS[draft.scope]);
    if (old.revoked_at !== null || (old.expires_at !== null && Date.parse(old.expires_at) <= now.getTime())) {
      throw new DomainError('conflict', 'The key is revoked or expired. Issue a new one instead.');
    }
    const issued = await insert(tx, context, { ...draft, issuerId: issuer.userId });
    if (graceSeconds === 0) await revokeApiKey(tx, id, now);
    else await shortenApiKey(tx, id, new Date(now.getTime() + graceSeconds * 1000));
    await audit(tx, context, { action: 'create', table: 'api_keys', id: issued.id, teamId: draft.teamId, diff: { ...described(issued), replaces: id, grace_seconds: graceSeconds } });
    return issued;
  });
}

function checkDraft({ scope, teamId, projectId, expiresAt }: ApiKeyDraft, now: Date): void {
  const faults = [
    ...fitFault('/team_id', teamId, scope === 'team', scope),
    ...fitFault('/project_id', projectId, scope === 'project', scope),
    ...(expiresAt !== null && Date.parse(expiresAt) <= now.getTime() ? [{ pointer: '/expires_at', message: 'lies in the past' }] : []),
  ];
  if (faults.length > 0) throw new DomainError('validation-failed', faults.map(({ pointer, message }) => `${pointer} ${message}.`).join(' '), { errors: faults });
}

function fitFault(pointer: string, value: string | null, wanted: boolean, scope: KeyScope): { pointer: string; message: string }[] {
  if ((value !== null) === wanted) return [];
  return [{ pointer, message: wanted ? `is missing, with scope '${scope}'` : `does not go with scope '${scope}'` }];
}

/** A team or project that is not there is refused like one that is somebody else's. */
async function mayIssue(db: Db, issuer: UserActor, { scope, teamId, projectId }: ApiKeyDraft): Promise<boolean> {
  if (scope === 'org') return issuer.isSuperAdmin;
  const owner = scope === 'team' ? await findScope(db, 'team', teamId ?? '') : await findScope(db, 'project', projectId ?? '');
  return owner !== undefined && allows(issuer, scope === 'team' ? 'team.manage' : 'api_key.manage', { ...owner, organizationWide: false });
}

const REFUSALS: Readonly<Record<KeyScope, string>> = {
  org: 'A key for the whole organisation takes a super admin.',
  team: 'A key for a team takes an admin of that team.',
  project: 'A key for a project takes a member of the team that owns it.',
};

async function insert(tx: Tx, context: Context, draft: Omit<NewApiKey, 'prefix' | 'hash'>): Promise<IssuedApiKey> {
  for (let attempt = 1; attempt <= MAX_PREFIX_TRIES; attempt += 1) {
    const { text, prefix } = generateApiKey();
    const row = await insertApiKey(tx, { ...draft, prefix, hash: hashApiKey(context.vault, text) });
    if (row !== undefined) return { ...row, raw_key: text };
  }
  throw new Error('no free prefix for an API key');
}

/** What the audit row says of a key: not its secret. */
function described({ name, scope, team_id, project_id, key_prefix, allowed_actions, expires_at }: ApiKeyRow): Record<string, unknown> {
  return { name, scope, team_id, project_id, prefix: key_prefix, allowed_actions, expires_at };
}

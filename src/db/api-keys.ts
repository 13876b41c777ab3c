/** Rows of api_keys. */
import { sql, type RawBuilder } from 'kysely';
import type { ApiKeyAction, ApiKeyActor, TeamRole } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { orderAndPage, where } from './paging.ts';
import { MEMBERSHIP_PAIRS } from './users.ts';

export type KeyScope = 'org' | 'team' | 'project';

export interface ApiKeyRow {
  id: string;
  name: string;
  scope: KeyScope;
  team_id: string | null;
  project_id: string | null;
  key_prefix: string;
  allowed_actions: ApiKeyAction[];
  created_by_user_id: string | null;
  expires_at: string | null;
  last_used_at: string | null;
  last_used_ip: string | null;
  revoked_at: string | null;
  created_at: string;
}

const COLUMNS = sql`k.id, k.name, k.scope, k.team_id, k.project_id, k.prefix AS key_prefix, k.allowed_actions, k.created_by_user_id, k.expires_at,
  k.last_used_at, k.last_used_ip, k.revoked_at, k.created_at`;

export interface NewApiKey {
  name: string;
  scope: KeyScope;
  teamId: string | null;
  projectId: string | null;
  prefix: string;
  hash: Buffer;
  actions: readonly ApiKeyAction[];
  issuerId: string;
  expiresAt: string | null;
}

/** The new row; undefined where the prefix is taken. */
export async function insertApiKey(tx: Tx, key: NewApiKey): Promise<ApiKeyRow | undefined> {
  const { rows } = await sql<ApiKeyRow>`
    INSERT INTO api_keys AS k (name, scope, team_id, project_id, prefix, key_hash, allowed_actions, created_by_user_id, expires_at)
    VALUES (${key.name}, ${key.scope}, ${key.teamId}, ${key.projectId}, ${key.prefix}, ${key.hash}, ${key.actions}::text[], ${key.issuerId}, ${key.expiresAt})
    ON CONFLICT (prefix) DO NOTHING RETURNING ${COLUMNS}`.execute(tx);
  return rows[0];
}

/** Locked until the transaction ends. */
export async function lockApiKey(tx: Tx, id: string): Promise<ApiKeyRow | undefined> {
  const { rows } = await sql<ApiKeyRow>`SELECT ${COLUMNS} FROM api_keys k WHERE k.id = ${id} FOR UPDATE`.execute(tx);
  return rows[0];
}

export async function revokeApiKey(tx: Tx, id: string, now: Date): Promise<void> {
  await sql`UPDATE api_keys SET revoked_at = ${now} WHERE id = ${id} AND revoked_at IS NULL`.execute(tx);
}

/** Lets the key live until then at most. */
export async function shortenApiKey(tx: Tx, id: string, until: Date): Promise<void> {
  await sql`UPDATE api_keys SET expires_at = least(expires_at, ${until}) WHERE id = ${id}`.execute(tx);
}

export interface ApiKeyFilters {
  scope?: KeyScope | undefined;
  teamId?: string | undefined;
  projectId?: string | undefined;
  includeRevoked: boolean;
}

/** Whose keys a list may show: all, or the viewer's own and those of the teams that the viewer administers. */
export type KeyViewer = 'all' | { userId: string; adminTeamIds: readonly string[] };

const SORTABLE = { name: sql`k.name`, scope: sql`k.scope`, last_used_at: sql`k.last_used_at`, expires_at: sql`k.expires_at`, created_at: sql`k.created_at` };

export async function listApiKeys(db: Db, viewer: KeyViewer, filters: ApiKeyFilters, page: PageRequest): Promise<{ items: ApiKeyRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  if (viewer !== 'all') {
    conditions.push(sql`(k.created_by_user_id = ${viewer.userId} OR k.team_id = ANY(${viewer.adminTeamIds}::uuid[])
      OR k.project_id IN (SELECT id FROM projects WHERE team_id = ANY(${viewer.adminTeamIds}::uuid[])))`);
  }
  if (filters.scope !== undefined) conditions.push(sql`k.scope = ${filters.scope}`);
  if (filters.teamId !== undefined) conditions.push(sql`k.team_id = ${filters.teamId}`);
  if (filters.projectId !== undefined) conditions.push(sql`k.project_id = ${filters.projectId}`);
  if (!filters.includeRevoked) conditions.push(sql`k.revoked_at IS NULL`);
  const matching = sql`FROM api_keys k ${where(conditions)}`;
  const items = await sql<ApiKeyRow>`SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`k.id`)}`.execute(db);
  const total = await sql<{ total: number }>`SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

/** A key that is not revoked and whose issuer is active. Whether it has expired is for the caller, who keeps what is returned for a while. */
export interface LiveApiKey {
  actor: ApiKeyActor;
  /** Milliseconds since 1970. */
  expiresAt: number | null;
}

export async function loadApiKey(db: Db, hash: Buffer, prefix: string): Promise<LiveApiKey | undefined> {
  const { rows } = await sql<{ id: string; team_id: string | null; project_id: string | null; allowed_actions: ApiKeyAction[]; expires_at: string | null;
    user_id: string; email: string; is_super_admin: boolean; memberships: [string, TeamRole][] | null }>`
    SELECT k.id, k.team_id, k.project_id, k.allowed_actions, k.expires_at, u.id AS user_id, u.email, u.is_super_admin,
      ${MEMBERSHIP_PAIRS} AS memberships
    FROM api_keys k JOIN users u ON u.id = k.created_by_user_id
    WHERE k.prefix = ${prefix} AND k.key_hash = ${hash} AND k.revoked_at IS NULL AND u.is_active`.execute(db);
  const row = rows[0];
  return row && {
    actor: {
      kind: 'api_key', keyId: row.id, prefix, teamId: row.team_id, projectId: row.project_id, actions: new Set(row.allowed_actions),
      userId: row.user_id, email: row.email, isSuperAdmin: row.is_super_admin, memberships: new Map(row.memberships ?? []),
    },
    expiresAt: row.expires_at === null ? null : Date.parse(row.expires_at),
  };
}

/** Notes the use of a key, to the minute: several processes may note at once, one of them writes. */
export async function noteApiKeyUse(db: Db, id: string, ip: string, now: Date): Promise<void> {
  await sql`
    UPDATE api_keys SET last_used_at = ${now}, last_used_ip = ${ip}
    WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${new Date(now.getTime() - 60_000)})`.execute(db);
}

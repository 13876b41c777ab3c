/** Accounts as who runs the installation sees and changes them. */
import { sql, type RawBuilder } from 'kysely';
import type { TeamRole } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';
import type { MembershipRow } from './users.ts';

export interface AdminUserRow {
  id: string;
  email: string;
  full_name: string | null;
  is_active: boolean;
  is_superuser: boolean;
  last_login_at: string | null;
  created_at: string;
}

export interface AdminUserDetail extends AdminUserRow {
  memberships: MembershipRow[];
  scan_count: number;
  updated_at: string;
}

export interface AdminUserFilters {
  role?: 'super_admin' | TeamRole | undefined;
  active?: boolean | undefined;
  teamId?: string | undefined;
  /** In address or name. */
  text?: string | undefined;
}

const COLUMNS = sql`u.id, u.email, u.full_name, u.is_active, u.is_super_admin AS is_superuser, u.last_login_at, u.created_at`;
const SORTABLE = { email: sql`lower(u.email)`, full_name: sql`u.full_name`, last_login_at: sql`u.last_login_at`, created_at: sql`u.created_at` };

/** A role in a team counts in the named team, or in any. */
export async function listAdminUsers(db: Db, { role, active, teamId, text }: AdminUserFilters, page: PageRequest): Promise<{ items: AdminUserRow[]; total: number }> {
  const conditions: RawBuilder<unknown>[] = [];
  const membership = [
    ...(teamId === undefined ? [] : [sql`m.team_id = ${teamId}`]),
    ...(role === undefined || role === 'super_admin' ? [] : [sql`m.role = ${role}`]),
  ];
  if (role === 'super_admin') conditions.push(sql`u.is_super_admin`);
  if (membership.length > 0) conditions.push(sql`u.id IN (SELECT m.user_id FROM memberships m ${where(membership)})`);
  if (active !== undefined) conditions.push(active ? sql`u.is_active` : sql`NOT u.is_active`);
  if (text !== undefined) conditions.push(sql`(u.email ILIKE ${containing(text)} OR u.full_name ILIKE ${containing(text)})`);
  const matching = sql`FROM users u ${where(conditions)}`;
  const items = await sql<AdminUserRow>`${plannedAnew} SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`u.id`)}`.execute(db);
  const total = await sql<{ total: number }>`${plannedAnew} SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findAdminUser(db: Db, id: string): Promise<AdminUserDetail | undefined> {
  const { rows } = await sql<AdminUserDetail>`
    SELECT ${COLUMNS}, u.updated_at, (SELECT count(*)::int FROM scans s WHERE s.requested_by_user_id = u.id) AS scan_count,
      coalesce((SELECT json_agg(json_build_object('team_id', m.team_id, 'team_name', t.name, 'role', m.role) ORDER BY m.created_at, m.team_id)
        FROM memberships m JOIN teams t ON t.id = m.team_id WHERE m.user_id = u.id), '[]') AS memberships
    FROM users u WHERE u.id = ${id}`.execute(db);
  return rows[0];
}

export interface LockedUser {
  id: string;
  email: string;
  is_active: boolean;
  is_super_admin: boolean;
}

/** Locked until the transaction ends; of several rows always the user first, then teams by id. */
export async function lockUser(tx: Tx, id: string): Promise<LockedUser | undefined> {
  const { rows } = await sql<LockedUser>`SELECT id, email, is_active, is_super_admin FROM users WHERE id = ${id} FOR NO KEY UPDATE`.execute(tx);
  return rows[0];
}

/** Breaks last_super_admin where no active super admin would be left. */
export async function setUserActive(tx: Tx, id: string, isActive: boolean): Promise<void> {
  await sql`UPDATE users SET is_active = ${isActive}, version = version + 1, updated_at = now() WHERE id = ${id}`.execute(tx);
}

/** Breaks last_super_admin where no active super admin would be left. */
export async function setSuperAdmin(tx: Tx, id: string, isSuperAdmin: boolean): Promise<void> {
  await sql`UPDATE users SET is_super_admin = ${isSuperAdmin}, version = version + 1, updated_at = now() WHERE id = ${id}`.execute(tx);
}

export async function hasOtherSuperAdmin(db: Db, id: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE is_super_admin AND is_active AND id <> ${id} LIMIT 1`.execute(db);
  return rows.length > 0;
}

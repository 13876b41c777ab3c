/** Users, their teams, and who an actor is. */
import { sql } from 'kysely';
import type { TeamRole, UserActor } from '../core/actor.ts';
import type { Db, Tx } from './connect.ts';

export interface UserRow {
  id: string;
  email: string;
  full_name: string | null;
  password_hash: string | null;
  is_active: boolean;
  is_super_admin: boolean;
  created_at: string;
}

export async function findUserByEmail(db: Db, email: string): Promise<UserRow | undefined> {
  const { rows } = await sql<UserRow>`
    SELECT id, email, full_name, password_hash, is_active, is_super_admin, created_at FROM users WHERE lower(email) = lower(${email})`.execute(db);
  return rows[0];
}

export interface MembershipRow {
  team_id: string;
  team_name: string;
  role: TeamRole;
}

export async function userWithMemberships(db: Db, userId: string): Promise<{ user: UserRow; memberships: MembershipRow[] } | undefined> {
  const user = await sql<UserRow>`
    SELECT id, email, full_name, password_hash, is_active, is_super_admin, created_at FROM users WHERE id = ${userId}`.execute(db);
  const memberships = await sql<MembershipRow>`
    SELECT m.team_id, t.name AS team_name, m.role FROM memberships m JOIN teams t ON t.id = m.team_id
    WHERE m.user_id = ${userId} ORDER BY m.created_at, m.team_id`.execute(db);
  return user.rows[0] && { user: user.rows[0], memberships: memberships.rows };
}

/** `[team id, role]` pairs of `users u`, oldest first: memberships of an actor. */
export const MEMBERSHIP_PAIRS = sql<[string, TeamRole][] | null>`(SELECT json_agg(json_build_array(m.team_id, m.role) ORDER BY m.created_at, m.team_id) FROM memberships m WHERE m.user_id = u.id)`;

/** The actor behind a session that has not ended, of a user who is active. Membership order is oldest first. */
export async function loadActor(db: Db, userId: string, sessionId: string): Promise<UserActor | undefined> {
  const { rows } = await sql<{ email: string; is_super_admin: boolean; memberships: [string, TeamRole][] | null }>`
    SELECT u.email, u.is_super_admin,
      ${MEMBERSHIP_PAIRS} AS memberships
    FROM users u JOIN sessions s ON s.user_id = u.id
    WHERE u.id = ${userId} AND s.id = ${sessionId} AND u.is_active AND s.ended_at IS NULL`.execute(db);
  const row = rows[0];
  return row && { kind: 'user', userId, sessionId, email: row.email, isSuperAdmin: row.is_super_admin, memberships: new Map(row.memberships ?? []) };
}

export async function insertUser(tx: Tx, user: { email: string; fullName: string | null; passwordHash: string | null; isSuperAdmin: boolean }): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO users (email, full_name, password_hash, is_super_admin)
    VALUES (${user.email}, ${user.fullName}, ${user.passwordHash}, ${user.isSuperAdmin}) RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

/** Notes that the owner proved to read the mailbox. */
export async function markEmailVerified(tx: Tx, userId: string): Promise<void> {
  await sql`UPDATE users SET email_verified_at = now() WHERE id = ${userId} AND email_verified_at IS NULL`.execute(tx);
}

/** Sets the password of an active account. With `replaced` only where that is still its hash; false where it is not. */
export async function setPassword(tx: Tx, userId: string, passwordHash: string, replaced?: string): Promise<boolean> {
  const unchanged = replaced === undefined ? sql`` : sql`AND password_hash = ${replaced}`;
  const { numAffectedRows } = await sql`
    UPDATE users SET password_hash = ${passwordHash}, updated_at = now(), version = version + 1 WHERE id = ${userId} AND is_active ${unchanged}`.execute(tx);
  return numAffectedRows === 1n;
}

/** Holds the account until the transaction ends, so that no password change comes between its check and the log-in. False where one came before. */
export async function holdForLogIn(tx: Tx, userId: string, passwordHash: string): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE id = ${userId} AND is_active AND password_hash = ${passwordHash} FOR NO KEY UPDATE`.execute(tx);
  return rows.length > 0;
}

export async function hasSuperAdmin(db: Db): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM users WHERE is_super_admin AND is_active LIMIT 1`.execute(db);
  return rows.length > 0;
}

/** Locks the account until the transaction ends; returns its oldest team. */
export async function lockUserTeam(tx: Tx, userId: string): Promise<string | undefined> {
  await sql`SELECT 1 FROM users WHERE id = ${userId} FOR NO KEY UPDATE`.execute(tx);
  const { rows } = await sql<{ team_id: string }>`SELECT team_id FROM memberships WHERE user_id = ${userId} ORDER BY created_at, team_id LIMIT 1`.execute(tx);
  return rows[0]?.team_id;
}

/** A team of one's own for a user without any; returns its id. A user who was taken out of such a team gets another one. */
export async function createPersonalTeam(tx: Tx, userId: string, name: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    WITH team AS (
      INSERT INTO teams (name, slug) SELECT ${name}, slug || CASE WHEN EXISTS (SELECT FROM teams t WHERE t.slug = s.slug) THEN '-' || new_id() ELSE '' END
      FROM (SELECT 'personal-' || ${userId} AS slug) s RETURNING id),
    membership AS (INSERT INTO memberships (user_id, team_id, role) SELECT ${userId}, id, 'team_admin' FROM team)
    SELECT id FROM team`.execute(tx);
  return rows[0]?.id ?? '';
}

/** Teams and who is in them, as who runs the installation sees and changes them. Memberships change under the lock of their team. */
import { sql } from 'kysely';
import type { TeamRole } from '../core/actor.ts';
import type { PageRequest } from '../core/page.ts';
import type { Db, Tx } from './connect.ts';
import { containing, orderAndPage, where } from './paging.ts';
import { plannedAnew } from './prepared.ts';

export interface AdminTeamRow {
  id: string;
  name: string;
  slug: string;
  description: string | null;
  member_count: number;
  project_count: number;
  version: number;
  created_at: string;
}

export interface AdminTeamDetail extends AdminTeamRow {
  members: { user_id: string; email: string; full_name: string | null; role: TeamRole }[];
  updated_at: string;
}

const MEMBER_COUNT = sql`(SELECT count(*)::int FROM memberships m WHERE m.team_id = t.id)`;
const PROJECT_COUNT = sql`(SELECT count(*)::int FROM projects p WHERE p.team_id = t.id)`;
const COLUMNS = sql`t.id, t.name, t.slug, t.description, ${MEMBER_COUNT} AS member_count, ${PROJECT_COUNT} AS project_count, t.version, t.created_at`;
const SORTABLE = { name: sql`t.name`, slug: sql`t.slug`, member_count: MEMBER_COUNT, project_count: PROJECT_COUNT, created_at: sql`t.created_at` };

/** @param text in name or slug */
export async function listAdminTeams(db: Db, text: string | undefined, page: PageRequest): Promise<{ items: AdminTeamRow[]; total: number }> {
  const matching = sql`FROM teams t ${where(text === undefined ? [] : [sql`(t.name ILIKE ${containing(text)} OR t.slug ILIKE ${containing(text)})`])}`;
  const items = await sql<AdminTeamRow>`${plannedAnew} SELECT ${COLUMNS} ${matching} ${orderAndPage(page, SORTABLE, sql`t.id`)}`.execute(db);
  const total = await sql<{ total: number }>`${plannedAnew} SELECT count(*)::int AS total ${matching}`.execute(db);
  return { items: items.rows, total: total.rows[0]?.total ?? 0 };
}

export async function findAdminTeam(db: Db, id: string): Promise<AdminTeamDetail | undefined> {
  const { rows } = await sql<AdminTeamDetail>`
    SELECT ${COLUMNS}, t.updated_at,
      coalesce((SELECT json_agg(json_build_object('user_id', u.id, 'email', u.email, 'full_name', u.full_name, 'role', m.role) ORDER BY m.created_at, u.id)
        FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.team_id = t.id), '[]') AS members
    FROM teams t WHERE t.id = ${id}`.execute(db);
  return rows[0];
}

/** Breaks teams_slug_key where the slug is taken. */
export async function insertTeam(tx: Tx, team: { name: string; slug: string; description: string | null }): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    INSERT INTO teams (name, slug, description) VALUES (${team.name}, ${team.slug}, ${team.description}) RETURNING id`.execute(tx);
  return rows[0]?.id ?? '';
}

/** Slugs that are `base` or `base-<number>`. */
export async function teamSlugsLike(db: Db, base: string): Promise<Set<string>> {
  const { rows } = await sql<{ slug: string }>`SELECT slug FROM teams WHERE slug = ${base} OR slug ~ ('^' || ${base} || '-[0-9]+$')`.execute(db);
  return new Set(rows.map((row) => row.slug));
}

/** Locks teams in the order of their ids until the transaction ends; returns those that are there. `delete`: also against new rows that refer to them. */
export async function lockTeams(tx: Tx, ids: readonly string[], to: 'change members' | 'delete'): Promise<{ id: string; name: string }[]> {
  const strength = to === 'delete' ? sql`FOR UPDATE` : sql`FOR NO KEY UPDATE`;
  const { rows } = await sql<{ id: string; name: string }>`SELECT id, name FROM teams WHERE id = ANY(${ids}::uuid[]) ORDER BY id ${strength}`.execute(tx);
  return rows;
}

/** What stands against deleting a team, or goes with it. */
export async function teamContents(tx: Tx, id: string): Promise<{ projects: number; active_scans: number; members: number; api_keys: number }> {
  const { rows } = await sql<{ projects: number; active_scans: number; members: number; api_keys: number }>`
    SELECT (SELECT count(*)::int FROM projects WHERE team_id = ${id}) AS projects,
      (SELECT count(*)::int FROM scans s JOIN projects p ON p.id = s.project_id WHERE p.team_id = ${id} AND s.status IN ('queued', 'running')) AS active_scans,
      (SELECT count(*)::int FROM memberships WHERE team_id = ${id}) AS members,
      (SELECT count(*)::int FROM api_keys WHERE team_id = ${id}) AS api_keys`.execute(tx);
  return rows[0] ?? { projects: 0, active_scans: 0, members: 0, api_keys: 0 };
}

export async function deleteTeam(tx: Tx, id: string): Promise<void> {
  await sql`DELETE FROM teams WHERE id = ${id}`.execute(tx);
}

/** Team and role of a user's memberships, of one team where it is named. */
export async function membershipsOf(tx: Tx, userId: string, teamId?: string): Promise<{ team_id: string; role: TeamRole }[]> {
  const { rows } = await sql<{ team_id: string; role: TeamRole }>`
    SELECT team_id, role FROM memberships WHERE user_id = ${userId} ${teamId === undefined ? sql`` : sql`AND team_id = ${teamId}`}`.execute(tx);
  return rows;
}

/** The role in these teams, as a new member where need be. */
export async function putMemberships(tx: Tx, userId: string, teamIds: readonly string[], role: TeamRole): Promise<void> {
  await sql`
    INSERT INTO memberships (user_id, team_id, role) SELECT ${userId}, id, ${role} FROM unnest(${teamIds}::uuid[]) AS id
    ON CONFLICT (user_id, team_id) DO UPDATE SET role = excluded.role`.execute(tx);
}

export async function deleteMembership(tx: Tx, userId: string, teamId: string): Promise<void> {
  await sql`DELETE FROM memberships WHERE user_id = ${userId} AND team_id = ${teamId}`.execute(tx);
}

/** Names of those of the teams that have active members beside this user, but no active admin. */
export async function teamsLeftWithoutAdmin(tx: Tx, teamIds: readonly string[], userId: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT t.name FROM teams t JOIN memberships m ON m.team_id = t.id JOIN users u ON u.id = m.user_id AND u.is_active
    WHERE t.id = ANY(${teamIds}::uuid[]) AND u.id <> ${userId} GROUP BY t.id HAVING NOT bool_or(m.role = 'team_admin') ORDER BY t.name LIMIT 5`.execute(tx);
  return rows.map(({ name }) => name);
}

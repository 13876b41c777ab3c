/** Who owns what a request is about: the authorisation gate asks before any handler runs. */
import { sql, type RawBuilder } from 'kysely';
import type { Scope } from '../core/permissions.ts';
import type { Visibility } from '../core/actor.ts';
import type { Db } from './connect.ts';
import { statement } from './statement.ts';

export type ScopeKind = 'project' | 'scan' | 'component' | 'finding' | 'license_finding' | 'license_policy' | 'approval' | 'team' | 'api_key';

interface OwnerRow {
  team_id: string;
  project_id: string;
  visibility: string;
}

const owner = (from: RawBuilder<unknown>) => statement<[id: string], OwnerRow>(1, (id) => sql<OwnerRow>`SELECT p.team_id, p.id AS project_id, p.visibility FROM ${from} ${id}`);

/** From the named row to its project; a team is its own owner. */
const OWNER_OF = {
  project: owner(sql`projects p WHERE p.id =`),
  scan: owner(sql`scans x JOIN projects p ON p.id = x.project_id WHERE x.id =`),
  component: owner(sql`components x JOIN projects p ON p.id = x.project_id WHERE x.id =`),
  finding: owner(sql`finding_ids i JOIN findings x ON x.id = i.finding_id JOIN projects p ON p.id = x.project_id WHERE i.id =`),
  approval: owner(sql`approvals x JOIN projects p ON p.id = x.project_id WHERE x.id =`),
  license_finding: owner(sql`license_findings x JOIN projects p ON p.id = x.project_id WHERE x.id =`),
};

/** The owner of a row; undefined where there is no such row. `id` must be a UUID. */
export async function findScope(db: Db, kind: ScopeKind, id: string): Promise<Scope | undefined> {
  if (kind === 'team') {
    const team = await sql`SELECT 1 FROM teams WHERE id = ${id}`.execute(db);
    return team.rows.length === 0 ? undefined : { teamId: id, projectId: null, organizationWide: false };
  }
  if (kind === 'api_key') return findApiKeyScope(db, id);
  if (kind === 'license_policy') return findLicensePolicyScope(db, id);
  const row = (await OWNER_OF[kind](db, id))[0];
  return row && { teamId: row.team_id, projectId: row.project_id, organizationWide: row.visibility === 'organization' };
}

/** A key of the whole organisation belongs to no team: only a super admin manages it. */
async function findApiKeyScope(db: Db, id: string): Promise<Scope | undefined> {
  const { rows } = await sql<{ team_id: string | null; project_id: string | null }>`
    SELECT coalesce(k.team_id, p.team_id) AS team_id, k.project_id FROM api_keys k LEFT JOIN projects p ON p.id = k.project_id WHERE k.id = ${id}`.execute(db);
  return rows[0] && { teamId: rows[0].team_id ?? '', projectId: rows[0].project_id, organizationWide: false };
}

/** A policy of the organisation belongs to no team: everyone reads it, only a super admin changes it. */
async function findLicensePolicyScope(db: Db, id: string): Promise<Scope | undefined> {
  const { rows } = await sql<{ team_id: string | null }>`SELECT team_id FROM license_policies WHERE id = ${id}`.execute(db);
  return rows[0] && { teamId: rows[0].team_id ?? '', projectId: null, organizationWide: rows[0].team_id === null };
}

/** Conditions on `projects p` that lists carry. */
export function projectVisible(visibility: Visibility): RawBuilder<unknown>[] {
  return visibility.teamIds === 'all' ? keyScope(visibility) : [sql`(p.team_id = ANY(${visibility.teamIds}::uuid[]) OR p.visibility = 'organization')`, ...keyScope(visibility)];
}

/** The same for what an open project does not show: only the owning teams see it. */
export function projectOwned(visibility: Visibility): RawBuilder<unknown>[] {
  return visibility.teamIds === 'all' ? keyScope(visibility) : [sql`p.team_id = ANY(${visibility.teamIds}::uuid[])`, ...keyScope(visibility)];
}

/** Of `users u`: may that user be told this now? News of a project are for who sees it as `projectVisible` has it, those of the installation for super admins; who is not active is told nothing. */
export const mayHear = (kind: RawBuilder<unknown>, projectId: RawBuilder<unknown>): RawBuilder<unknown> => sql`(u.is_active AND (u.is_super_admin OR CASE
  WHEN ${projectId} IS NULL THEN ${kind} NOT IN ('disk_pressure', 'backup_failed')
  ELSE EXISTS (SELECT FROM projects p WHERE p.id = ${projectId} AND (p.visibility = 'organization' OR EXISTS (SELECT FROM memberships s WHERE s.user_id = u.id AND s.team_id = p.team_id))) END))`;

function keyScope(visibility: Visibility): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  if (visibility.onlyTeamId !== null) conditions.push(sql`p.team_id = ${visibility.onlyTeamId}`);
  if (visibility.onlyProjectId !== null) conditions.push(sql`p.id = ${visibility.onlyProjectId}`);
  return conditions;
}

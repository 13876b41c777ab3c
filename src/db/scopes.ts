/** Who owns what a request is about: the authorisation gate asks before any handler runs. */
import { sql, type RawBuilder } from 'kysely';
import type { Scope } from '../core/permissions.ts';
import type { Visibility } from '../core/actor.ts';
import type { Db } from './connect.ts';

export type ScopeKind = 'project' | 'scan' | 'component' | 'finding' | 'license_finding' | 'team';

/** Joins from the named row to its project; a team is its own owner. */
const PROJECT_OF: Record<Exclude<ScopeKind, 'team'>, RawBuilder<unknown>> = {
  project: sql`projects p WHERE p.id =`,
  scan: sql`scans x JOIN projects p ON p.id = x.project_id WHERE x.id =`,
  component: sql`components x JOIN projects p ON p.id = x.project_id WHERE x.id =`,
  finding: sql`findings x JOIN projects p ON p.id = x.project_id WHERE x.id =`,
  license_finding: sql`license_findings x JOIN projects p ON p.id = x.project_id WHERE x.id =`,
};

/** The owner of a row; undefined where there is no such row. `id` must be a UUID. */
export async function findScope(db: Db, kind: ScopeKind, id: string): Promise<Scope | undefined> {
  if (kind === 'team') {
    const team = await sql`SELECT 1 FROM teams WHERE id = ${id}`.execute(db);
    return team.rows.length === 0 ? undefined : { teamId: id, organizationWide: false };
  }
  const { rows } = await sql<{ team_id: string; visibility: string }>`SELECT p.team_id, p.visibility FROM ${PROJECT_OF[kind]} ${id}`.execute(db);
  return rows[0] && { teamId: rows[0].team_id, organizationWide: rows[0].visibility === 'organization' };
}

/** Condition on `projects p` that lists carry. */
export function projectVisible(visibility: Visibility): RawBuilder<unknown>[] {
  return visibility.everything ? [] : [sql`(p.team_id = ANY(${visibility.teamIds}::uuid[]) OR p.visibility = 'organization')`];
}

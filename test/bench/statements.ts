/** The SQL that the portal runs for a request, as text and values: the baseline runs the same. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { DB } from '../../generated/db.ts';
import { findProject, listProjects } from '../../src/db/projects.ts';

export interface Statement {
  text: string;
  values: unknown[];
}

export interface Statements {
  one: Statement[];
  list: Statement[];
}

export async function captureStatements(url: string, projectId: string): Promise<Statements> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const seen: Statement[] = [];
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }), log: ({ query }) => {
      seen.push({ text: query.sql, values: [...query.parameters] });
    },
  });
  await findProject(db, projectId);
  const one = seen.splice(0);
  await listProjects(db, { teamIds: 'all', onlyTeamId: null, onlyProjectId: null }, { archived: false }, { limit: 50, offset: 0, sort: [{ field: 'created_at', descending: true }] });
  await db.destroy();
  return { one, list: seen };
}

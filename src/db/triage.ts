/** Writing decisions on findings: set-based, under row locks that everybody takes in the order of ids. */
import { sql, type RawBuilder } from 'kysely';
import type { FindingStatus } from './components.ts';
import type { Tx } from './connect.ts';
import { toJson } from './json.ts';

/** A decision on a package as its statements read it. */
const toPackageRow = ({ packageId, vulnerabilityId, status, scope, justification, justificationCode, expiresAt, origin }: TriageWrite): object =>
  ({ package_id: packageId, vulnerability_id: vulnerabilityId, status, scope, justification, code: justificationCode, until: expiresAt, origin });
const PACKAGE_COLUMNS = sql`package_id bigint, vulnerability_id bigint, status text, scope text, justification text, code text, until timestamptz, origin jsonb`;

/**
 * Locks the project against being archived meanwhile; with `exclusively`, also against scans and imports that open findings, so that no finding of a package
 * appears beside the decision on it.
 */
export async function lockTriageProject(tx: Tx, id: string, exclusively: boolean): Promise<{ team_id: string; archived: boolean } | undefined> {
  const { rows } = await sql<{ team_id: string; archived: boolean }>`
    SELECT team_id, archived_at IS NOT NULL AS archived FROM projects WHERE id = ${id} ${exclusively ? sql`FOR NO KEY UPDATE` : sql`FOR SHARE`}`.execute(tx);
  return rows[0];
}

export interface TriagedFinding {
  id: string;
  status: FindingStatus;
  version: number;
  package_id: number;
  vulnerability_id: number;
}

/**
 * Those of the findings that are the project's, locked until the transaction ends; with `siblings`, also the others of their packages and vulnerabilities, so that
 * all locks are taken at once and in order.
 */
export async function lockFindings(tx: Tx, projectId: string, ids: readonly string[], siblings: boolean): Promise<TriagedFinding[]> {
  const wanted = sql`SELECT unnest(${ids}::uuid[])`;
  const alike = sql`
    UNION SELECT g.id FROM findings f JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id
    JOIN findings g ON g.project_id = f.project_id AND g.vulnerability_id = f.vulnerability_id
    JOIN components d ON d.id = g.component_id JOIN package_versions pw ON pw.id = d.package_version_id AND pw.package_id = pv.package_id
    WHERE f.id = ANY(${ids}::uuid[])`;
  const { rows } = await sql<TriagedFinding>`
    SELECT f.id, f.status, f.version, pv.package_id, f.vulnerability_id
    FROM findings f JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id
    WHERE f.id IN (${wanted} ${siblings ? alike : sql``}) AND f.project_id = ${projectId} ORDER BY f.id FOR NO KEY UPDATE OF f`.execute(tx);
  return rows;
}

/** Who decides, when, and in which request. */
export interface TriageAuthor {
  source: 'manual' | 'vex_import';
  userId: string | null;
  requestId: string;
  now: Date;
}

export interface TriageWrite {
  id: string;
  from: FindingStatus;
  status: FindingStatus;
  /** The way from the one to the other, for the history. */
  steps: { from: FindingStatus; to: FindingStatus }[];
  justification: string | null;
  justificationCode: string | null;
  expiresAt: string | null;
  /** Null for a state that is no decision. */
  scope: 'version' | 'package' | null;
  /** Was it meant for all versions of the package? */
  wide: boolean;
  origin: object | null;
  packageId: number;
  vulnerabilityId: number;
}

const recordset = (rows: readonly object[], columns: RawBuilder<unknown>): RawBuilder<unknown> => sql`jsonb_to_recordset(${toJson(rows)}::jsonb) AS t (${columns})`;

/** Sets the new states of locked findings, and writes their history. */
export async function applyTriage(tx: Tx, by: TriageAuthor, writes: readonly TriageWrite[]): Promise<void> {
  const rows = writes.map(({ id, status, justification, justificationCode, expiresAt, scope, origin }) => ({ id, status, justification, code: justificationCode, until: expiresAt, scope, origin }));
  await sql`
    UPDATE findings f SET status = t.status, justification = t.justification, justification_code = t.code, suppressed_until = t.until, decision_scope = t.scope, vex_origin = t.origin, resolved_from = NULL,
      analysis_source = ${by.source}, analyst_user_id = ${by.userId}, analyzed_at = ${by.now}, version = f.version + 1, updated_at = ${by.now}
    FROM ${recordset(rows, sql`id uuid, status text, justification text, code text, until timestamptz, scope text, origin jsonb`)} WHERE f.id = t.id`.execute(tx);
  const steps = writes.flatMap(({ id, steps: own, justification, justificationCode: code }) =>
    own.map((step, index) => ({ id, from_status: step.from, to_status: step.to, ...(index === own.length - 1 ? { justification, code } : {}) })));
  await sql`
    INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification, justification_code, actor_user_id, request_id, created_at)
    SELECT t.id, 'triaged', ${by.source}, t.from_status, t.to_status, t.justification, t.code, ${by.userId}::uuid, ${by.requestId}, ${by.now}::timestamptz
    FROM ${recordset(steps, sql`id uuid, from_status text, to_status text, justification text, code text`)}`.execute(tx);
}

/** Keeps what was decided for packages; going back to `analyzing` ends the decision. */
export async function replacePackageDecisions(tx: Tx, projectId: string, by: TriageAuthor, decisions: readonly TriageWrite[]): Promise<void> {
  const given = recordset(decisions.map(toPackageRow), PACKAGE_COLUMNS);
  await sql`
    DELETE FROM finding_decisions d USING ${given}
    WHERE d.project_id = ${projectId} AND d.package_id = t.package_id AND d.vulnerability_id = t.vulnerability_id AND t.scope IS NULL`.execute(tx);
  await sql`
    INSERT INTO finding_decisions (project_id, package_id, vulnerability_id, status, justification, justification_code, suppressed_until, source, vex_origin, analyst_user_id, decided_at)
    SELECT ${projectId}::uuid, t.package_id, t.vulnerability_id, t.status, t.justification, t.code, t.until, ${by.source}, t.origin, ${by.userId}::uuid, ${by.now}::timestamptz
    FROM ${given} WHERE t.scope IS NOT NULL
    ON CONFLICT (project_id, package_id, vulnerability_id) DO UPDATE SET status = excluded.status, justification = excluded.justification, justification_code = excluded.justification_code,
      suppressed_until = excluded.suppressed_until, source = excluded.source, vex_origin = excluded.vex_origin, analyst_user_id = excluded.analyst_user_id, decided_at = excluded.decided_at`.execute(tx);
}

/**
 * Brings the package's other findings along: those that nobody has decided for their own version. `except` are the findings of the request itself. A finding
 * that became fixed by itself stays so.
 */
export async function carryDecisions(tx: Tx, projectId: string, by: TriageAuthor, decisions: readonly TriageWrite[], except: readonly string[]): Promise<{ id: string; from: string; status: string }[]> {
  const { rows: carried } = await sql<{ id: string; from: string; status: string }>`
    WITH todo AS (
      SELECT f.id, f.status AS former, t.*
      FROM ${recordset(decisions.map(toPackageRow), PACKAGE_COLUMNS)}
      JOIN findings f ON f.project_id = ${projectId} AND f.vulnerability_id = t.vulnerability_id
      JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id AND pv.package_id = t.package_id
      WHERE f.id <> ALL(${except}::uuid[]) AND f.status <> t.status AND (f.status <> 'fixed' OR f.resolved_at IS NULL)
        AND (f.decision_scope = 'package' OR (f.decision_scope IS NULL AND t.scope IS NOT NULL))
      ORDER BY f.id FOR NO KEY UPDATE OF f
    ), moved AS (
      UPDATE findings f SET status = t.status, justification = t.justification, justification_code = t.code, suppressed_until = t.until, decision_scope = t.scope, vex_origin = t.origin,
        analysis_source = ${by.source}, analyst_user_id = ${by.userId}, analyzed_at = ${by.now}, version = f.version + 1, updated_at = ${by.now}
      FROM todo t WHERE f.id = t.id
      RETURNING f.id, t.former, f.status, f.justification, f.justification_code
    ), noted AS (
      INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification, justification_code, actor_user_id, request_id, created_at)
      SELECT id, 'carried', ${by.source}, former, status, justification, justification_code, ${by.userId}::uuid, ${by.requestId}, ${by.now}::timestamptz FROM moved
    )
    SELECT id, former AS "from", status FROM moved ORDER BY id`.execute(tx);
  return carried;
}

/** Suppressions whose time is over end, and so do those of packages. Returns the findings that are new again. */
export async function expireSuppressions(tx: Tx, now: Date): Promise<{ id: string; project_id: string; team_id: string }[]> {
  await sql`SELECT 1 FROM projects p WHERE EXISTS (SELECT FROM findings f WHERE f.project_id = p.id AND f.status = 'suppressed' AND f.suppressed_until <= ${now}) ORDER BY p.id FOR SHARE`.execute(tx);
  const { rows } = await sql<{ id: string; project_id: string; team_id: string }>`
    WITH ended AS (
      DELETE FROM finding_decisions WHERE status = 'suppressed' AND suppressed_until <= ${now}
    ), todo AS (
      SELECT id FROM findings WHERE status = 'suppressed' AND suppressed_until <= ${now} ORDER BY id FOR NO KEY UPDATE
    ), opened AS (
      UPDATE findings f SET status = 'new', justification = NULL, justification_code = NULL, suppressed_until = NULL, decision_scope = NULL, vex_origin = NULL, analysis_source = NULL,
        analyst_user_id = NULL, analyzed_at = NULL, version = f.version + 1, updated_at = ${now}
      FROM todo t WHERE f.id = t.id RETURNING f.id, f.project_id
    ), noted AS (
      INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, created_at) SELECT id, 'expired', 'time', 'suppressed', 'new', ${now}::timestamptz FROM opened
    )
    SELECT o.id, o.project_id, p.team_id FROM opened o JOIN projects p ON p.id = o.project_id ORDER BY o.id`.execute(tx);
  return rows;
}

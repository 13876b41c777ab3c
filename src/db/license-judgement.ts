/**
 * What is made of the licences of scans' components: the conclusions of people, tiers by policy, and approvals. Set-based, for one scan that is being
 * published, for the current scans of projects, or for a component in them.
 *
 * Rows are updated by their place (ctid): a scan that has just been written is not in the statistics, so that a join of it with itself by key is planned as one
 * row with one row, and takes quadratic time. The lock makes it safe.
 *
 * Whoever writes any of these for a project holds its licence lock, so that a scan that is being published and a decision that is being made see each other.
 */
import { sql, type RawBuilder } from 'kysely';
import { EFFECTIVE_LICENSE, type Tier } from './components.ts';
import type { Db, Tx } from './connect.ts';

export type JudgedRows = { scanId: string } | { projectIds: readonly string[] } | { componentId: string };

const FROM = sql`FROM scan_components sc JOIN scans s ON s.id = sc.scan_id JOIN projects p ON p.id = s.project_id`;

function are(rows: JudgedRows): RawBuilder<unknown> {
  if ('scanId' in rows) return sql`sc.scan_id = ${rows.scanId}`;
  return 'projectIds' in rows ? sql`s.project_id = ANY(${rows.projectIds}::uuid[]) AND s.is_current` : sql`sc.component_id = ${rows.componentId} AND s.is_current`;
}

/** Held until the transaction ends; taken in one order by all. Take it before any row of the projects' licences is read or locked. */
export async function lockLicenses(tx: Tx, projectIds: readonly string[]): Promise<void> {
  await sql`
    SELECT pg_advisory_xact_lock(hashtextextended('sca-portal:licenses:' || id, 0))
    FROM (SELECT id FROM unnest(${projectIds}::text[]) AS t (id) ORDER BY id) ordered`.execute(tx);
}

/** Carries what people concluded into the scans, and gives the licences of those their places anew. */
export async function applyConclusions(tx: Tx, rows: JudgedRows): Promise<void> {
  const changed = await sql<{ scan_id: string }>`
    UPDATE scan_components x SET license_concluded = j.expression
    FROM (
      SELECT sc.ctid AS place, cl.expression ${FROM} LEFT JOIN concluded_licenses cl ON cl.component_id = sc.component_id
      WHERE ${are(rows)} AND sc.license_concluded IS DISTINCT FROM cl.expression
    ) j WHERE x.ctid = j.place RETURNING x.scan_id`.execute(tx);
  const scanIds = [...new Set(changed.rows.map((row) => row.scan_id))];
  if (scanIds.length > 0) await rankLicenses(tx, scanIds);
}

/** Lists are sorted and filtered by the place of a licence among the scan's (scans.license_expressions). */
async function rankLicenses(tx: Tx, scanIds: readonly string[]): Promise<void> {
  await sql`
    UPDATE scans s SET license_expressions = l.expressions
    FROM (
      SELECT scan_id, coalesce(array_agg(expression ORDER BY expression COLLATE "C") FILTER (WHERE expression IS NOT NULL), '{}') AS expressions
      FROM (SELECT DISTINCT sc.scan_id, ${EFFECTIVE_LICENSE} AS expression FROM scan_components sc WHERE sc.scan_id = ANY(${scanIds}::uuid[])) AS distinct_ones GROUP BY scan_id
    ) l WHERE l.scan_id = s.id`.execute(tx);
  await sql`
    UPDATE scan_components sc SET license_rank = e.place
    FROM scans s, unnest(s.license_expressions) WITH ORDINALITY AS e (expression, place)
    WHERE s.id = ANY(${scanIds}::uuid[]) AND sc.scan_id = s.id AND ${EFFECTIVE_LICENSE} = e.expression AND sc.license_rank IS DISTINCT FROM e.place`.execute(tx);
  await sql`UPDATE scan_components sc SET license_rank = NULL WHERE sc.scan_id = ANY(${scanIds}::uuid[]) AND ${EFFECTIVE_LICENSE} IS NULL AND sc.license_rank IS NOT NULL`.execute(tx);
}

/** Each expression once for each team; null stands for no known licence. */
export async function distinctLicenses(db: Db, rows: JudgedRows): Promise<{ team_id: string; expression: string | null }[]> {
  const found = await sql<{ team_id: string; expression: string | null }>`SELECT DISTINCT p.team_id, ${EFFECTIVE_LICENSE} AS expression ${FROM} WHERE ${are(rows)}`.execute(db);
  return found.rows;
}

export interface TeamTier {
  teamId: string;
  expression: string | null;
  tier: Tier;
}

/** A rule about components: `pattern` is one of LIKE. */
export interface ComponentTier {
  teamId: string;
  pattern: string;
  tier: Tier;
  /** The lowest of those that match counts. */
  rank: number;
}

/** The last decision for the licence that component `sc` has now. */
const DECISION = sql`
  SELECT DISTINCT ON (a.component_id, a.license_expression) a.component_id, a.license_expression, a.status
  FROM approvals a WHERE a.decided_at IS NOT NULL`;
const DECIDES = sql`d.component_id = sc.component_id AND d.license_expression IS NOT DISTINCT FROM ${EFFECTIVE_LICENSE}`;

/** Sets the tiers: allowed where it was approved, else by the rules about components, else by expression. Returns how many changed. */
export async function setTiers(tx: Tx, rows: JudgedRows, tiers: readonly TeamTier[], rules: readonly ComponentTier[]): Promise<number> {
  const column = <K extends keyof TeamTier>(name: K): TeamTier[K][] => tiers.map((row) => row[name]);
  const byRule = rules.length === 0 ? sql`NULL::text` : sql`(
    SELECT r.tier FROM unnest(${rules.map((rule) => rule.teamId)}::uuid[], ${rules.map((rule) => rule.pattern)}::text[], ${rules.map((rule) => rule.tier)}::text[], ${rules.map((rule) => rule.rank)}::int[])
      AS r (team_id, pattern, tier, rank) WHERE r.team_id = p.team_id AND c.purl LIKE r.pattern ORDER BY r.rank LIMIT 1)`;
  const { numAffectedRows } = await sql`
    WITH decided AS MATERIALIZED (${DECISION} AND ${within(rows)} ORDER BY a.component_id, a.license_expression, a.decided_at DESC, a.id DESC),
    judged AS (
      SELECT sc.ctid AS place, sc.license_tier AS before, CASE WHEN d.status = 'approved' THEN 'allowed' ELSE coalesce(${byRule}, t.tier) END AS tier
      ${FROM} JOIN components c ON c.id = sc.component_id
      JOIN unnest(${column('teamId')}::uuid[], ${column('expression')}::text[], ${column('tier')}::text[]) AS t (team_id, expression, tier)
        ON t.team_id = p.team_id AND coalesce(t.expression, '') = coalesce(${EFFECTIVE_LICENSE}, '')
      LEFT JOIN decided d ON ${DECIDES}
      WHERE ${are(rows)}
    )
    UPDATE scan_components x SET license_tier = j.tier FROM judged j WHERE x.ctid = j.place AND j.before <> j.tier`.execute(tx);
  return Number(numAffectedRows ?? 0n);
}

/** Approvals `a` of what the rows are about. */
function within(rows: JudgedRows): RawBuilder<unknown> {
  if ('componentId' in rows) return sql`a.component_id = ${rows.componentId}`;
  return 'projectIds' in rows ? sql`a.project_id = ANY(${rows.projectIds}::uuid[])` : sql`a.project_id = (SELECT project_id FROM scans WHERE id = ${rows.scanId})`;
}

/**
 * Opens an approval for each component with a conditional licence that nobody was asked about or decided on. An approval that is open follows its
 * component's licence, with a new version, so that nobody decides on what they have not seen.
 */
export async function openApprovals(tx: Tx, rows: JudgedRows): Promise<{ opened: number; changed: number }> {
  const found = await sql<{ opened: number; changed: number }>`
    WITH due AS MATERIALIZED (
      SELECT DISTINCT ON (sc.component_id) s.project_id, sc.component_id, ${EFFECTIVE_LICENSE} AS expression, sc.license_tier
      ${FROM} WHERE ${are(rows)} ORDER BY sc.component_id, s.completed_at DESC NULLS FIRST
    ), changed AS (
      UPDATE approvals a SET license_expression = due.expression, version = a.version + 1, updated_at = now()
      FROM due WHERE a.component_id = due.component_id AND a.decided_at IS NULL AND a.license_expression IS DISTINCT FROM due.expression
      RETURNING a.id
    ), opened AS (
      INSERT INTO approvals (project_id, component_id, license_expression)
      SELECT project_id, component_id, expression FROM due
      WHERE license_tier = 'conditional' AND NOT EXISTS (
        SELECT FROM approvals a WHERE a.component_id = due.component_id AND (a.decided_at IS NULL OR a.license_expression IS NOT DISTINCT FROM due.expression))
      ORDER BY component_id
      ON CONFLICT (component_id) WHERE status IN ('pending', 'under_review') DO NOTHING
      RETURNING id, project_id
    ), announced AS (
      INSERT INTO notices (kind, project_id, audience, facts) SELECT 'approval_pending', project_id, 'team_admins', jsonb_build_object('count', count(*), 'approval_ids', (array_agg(id ORDER BY id))[1:100]) FROM opened GROUP BY project_id
    )
    SELECT (SELECT count(*)::int FROM opened) AS opened, (SELECT count(*)::int FROM changed) AS changed`.execute(tx);
  return found.rows[0] ?? { opened: 0, changed: 0 };
}

/** Components of scans whose approval was rejected for the licence that they have: their number and a few of them, by scan; scans without any are left out. */
export async function rejectedComponents(db: Db, scans: readonly { projectId: string; scanId: string }[]): Promise<{ scan_id: string; count: number; component_ids: string[] }[]> {
  const { rows } = await sql<{ scan_id: string; count: number; component_ids: string[] }>`
    WITH decided AS MATERIALIZED (${DECISION} AND ${within({ projectIds: scans.map(({ projectId }) => projectId) })} ORDER BY a.component_id, a.license_expression, a.decided_at DESC, a.id DESC)
    SELECT sc.scan_id, count(*)::int AS count, (array_agg(sc.component_id ORDER BY sc.ordinal))[1:20] AS component_ids
    FROM decided d JOIN scan_components sc ON ${DECIDES} WHERE sc.scan_id = ANY(${scans.map(({ scanId }) => scanId)}::uuid[]) AND d.status = 'rejected' GROUP BY sc.scan_id`.execute(db);
  return rows;
}

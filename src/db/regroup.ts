/**
 * Findings and decisions when vulnerabilities merge or split, after the matches are those of the new groups. Findings keep their ids, histories and states:
 * they go where their component's match has gone. Where two meet, the older one stays, with the newer decision; the id of the other leads to it from then on.
 */
import { sql } from 'kysely';
import type { Tx } from './connect.ts';
import { toJson } from './json.ts';
import { moveOpinions } from './second-opinions.ts';

/** An advisory of the vulnerability `old` is now part of `heir`. */
export interface Succession {
  old: number;
  heir: number;
  /** `heir` is what `old` has become: itself, or where its name went. One of each `old`. */
  home: boolean;
  /** `heir` is new, so that nothing was decided on it. */
  fresh: boolean;
}

/** Where each `old` is that has not become all of itself. Vulnerabilities that are nobody's home are removed. */
export async function moveFindings(tx: Tx, successions: readonly Succession[]): Promise<void> {
  if (successions.length === 0) return;
  await sql`CREATE TEMP TABLE succession (old bigint, heir bigint, home boolean, fresh boolean) ON COMMIT DROP`.execute(tx);
  await sql`INSERT INTO succession SELECT * FROM jsonb_to_recordset(${toJson(successions)}::jsonb) AS t (old bigint, heir bigint, home boolean, fresh boolean)`.execute(tx);
  await sql`ANALYZE succession`.execute(tx);
  await sql`
    SELECT 1 FROM projects p WHERE p.id IN (
      SELECT project_id FROM findings WHERE vulnerability_id IN (SELECT old FROM succession UNION SELECT heir FROM succession)
      UNION SELECT project_id FROM finding_decisions WHERE vulnerability_id IN (SELECT old FROM succession)
    ) ORDER BY p.id FOR NO KEY UPDATE`.execute(tx); // before their findings, as everybody does
  await moveOpinions(tx);
  await chooseTargets(tx);
  await mergeMeeting(tx);
  await move(tx);
  await copyToOthers(tx);
  await inheritDecisions(tx);
  await sql`INSERT INTO gate_checks (project_id, cause) SELECT DISTINCT project_id, 'import' FROM moving`.execute(tx);
  await sql`DELETE FROM vulnerabilities v WHERE v.id IN (SELECT old FROM succession EXCEPT SELECT heir FROM succession)`.execute(tx);
}

/** A finding stays with what its vulnerability has become, unless only another part of it still speaks of the component's version. */
async function chooseTargets(tx: Tx): Promise<void> {
  await sql`
    CREATE TEMP TABLE moving ON COMMIT DROP AS
    SELECT f.id, f.project_id, f.component_id, c.package_version_id, f.vulnerability_id AS old, t.target, t.home
    FROM findings f JOIN components c ON c.id = f.component_id
    CROSS JOIN LATERAL (
      SELECT s.heir AS target, s.home FROM succession s LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = s.heir
      LEFT JOIN second_opinions o ON o.component_id = c.id AND o.vulnerability_id = s.heir
      WHERE s.old = f.vulnerability_id ORDER BY coalesce(m.vulnerability_id, o.vulnerability_id) IS NOT NULL DESC, s.home DESC, s.heir LIMIT 1
    ) t
    WHERE f.vulnerability_id IN (SELECT old FROM succession)`.execute(tx);
  await sql`CREATE INDEX ON moving (id)`.execute(tx);
  await sql`ANALYZE moving`.execute(tx);
}

/** Findings of one component that now have one vulnerability become the oldest of them, in the state that was decided last; an open one counts before one that went away. */
async function mergeMeeting(tx: Tx): Promise<void> {
  await sql`
    CREATE TEMP TABLE meeting ON COMMIT DROP AS
    SELECT * FROM (
      SELECT x.id, first_value(x.id) OVER (same ORDER BY x.first_detected_at, x.id) AS heir,
        first_value(x.id) OVER (same ORDER BY x.resolved_at IS NULL DESC, x.status <> 'new' DESC, x.analyzed_at DESC NULLS LAST, x.id) AS model,
        count(*) OVER same AS members, v.external_id AS name
      FROM (
        SELECT f.*, m.target FROM moving m JOIN findings f ON f.id = m.id
        UNION ALL
        SELECT f.*, f.vulnerability_id FROM (SELECT DISTINCT component_id, target FROM moving WHERE target <> old) m
        JOIN findings f ON f.component_id = m.component_id AND f.vulnerability_id = m.target AND NOT EXISTS (SELECT FROM moving n WHERE n.id = f.id)
      ) x JOIN vulnerabilities v ON v.id = x.vulnerability_id
      WINDOW same AS (PARTITION BY x.component_id, x.target)
    ) y WHERE y.members > 1`.execute(tx);
  await sql`
    INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification)
    SELECT h.id, 'merged', 'import', h.status, b.status, 'Found to be one with ' || string_agg(DISTINCT m.name, ', ') || ', which was '
      || string_agg(DISTINCT l.status, ', ') || '. Of what was decided, the newer holds.'
    FROM meeting m JOIN findings h ON h.id = m.heir JOIN findings b ON b.id = m.model JOIN findings l ON l.id = m.id WHERE m.id <> m.heir GROUP BY h.id, b.status`.execute(tx);
  await sql`UPDATE finding_events e SET finding_id = m.heir FROM meeting m WHERE m.id = e.finding_id AND m.id <> m.heir`.execute(tx);
  await sql`UPDATE merged_findings g SET finding_id = m.heir FROM meeting m WHERE m.id = g.finding_id AND m.id <> m.heir`.execute(tx);
  await sql`INSERT INTO merged_findings (id, finding_id) SELECT id, heir FROM meeting WHERE id <> heir`.execute(tx);
  await sql`
    UPDATE findings f SET status = b.status, justification = b.justification, justification_code = b.justification_code, suppressed_until = b.suppressed_until, decision_scope = b.decision_scope,
      vex_origin = b.vex_origin, analysis_source = b.analysis_source, analyst_user_id = b.analyst_user_id, analyzed_at = b.analyzed_at, resolved_at = b.resolved_at, resolved_from = b.resolved_from,
      version = g.version + 1, updated_at = now()
    FROM (SELECT m.heir, m.model, max(l.version) AS version FROM meeting m JOIN findings l ON l.id = m.id GROUP BY m.heir, m.model) g JOIN findings b ON b.id = g.model
    WHERE f.id = g.heir`.execute(tx);
  await sql`DELETE FROM findings f USING meeting m WHERE m.id = f.id AND m.id <> m.heir`.execute(tx);
  await sql`UPDATE moving n SET id = m.heir FROM meeting m WHERE m.id = n.id AND m.id <> m.heir`.execute(tx);
}

/** Where one finding waits for the place that another one leaves, it goes in the next round; there are no circles, since who leaves is no longer matched at home. */
async function move(tx: Tx): Promise<void> {
  await sql`
    INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification)
    SELECT f.id, CASE WHEN m.home THEN 'merged' ELSE 'split' END, 'import', f.status, f.status, CASE WHEN m.home THEN 'Was known as ' ELSE 'Was part of ' END || o.external_id || '.'
    FROM moving m JOIN findings f ON f.id = m.id JOIN vulnerabilities o ON o.id = m.old WHERE m.target <> m.old AND f.id NOT IN (SELECT heir FROM meeting)`.execute(tx);
  for (let moved = 1n; moved > 0n; ) {
    const { numAffectedRows = 0n } = await sql`
      UPDATE findings f SET vulnerability_id = m.target, version = f.version + 1, updated_at = now()
      FROM moving m WHERE m.id = f.id AND f.vulnerability_id <> m.target
        AND NOT EXISTS (SELECT FROM findings g WHERE g.component_id = f.component_id AND g.vulnerability_id = m.target)`.execute(tx);
    moved = numAffectedRows;
  }
}

/** What was decided on the whole holds for each of its parts that still speaks of the version, and so does the age. */
async function copyToOthers(tx: Tx): Promise<void> {
  await sql`
    WITH copied AS (
      INSERT INTO findings (project_id, component_id, vulnerability_id, status, justification, justification_code, suppressed_until, decision_scope, vex_origin, analysis_source, analyst_user_id,
        analyzed_at, resolved_at, resolved_from, first_detected_at)
      SELECT DISTINCT ON (f.component_id, s.heir) f.project_id, f.component_id, s.heir, f.status, f.justification, f.justification_code, f.suppressed_until, f.decision_scope, f.vex_origin, f.analysis_source,
        f.analyst_user_id, f.analyzed_at, f.resolved_at, f.resolved_from, f.first_detected_at
      FROM moving n JOIN findings f ON f.id = n.id JOIN succession s ON s.old = n.old AND s.heir <> n.target
      WHERE EXISTS (SELECT FROM matches m WHERE m.package_version_id = n.package_version_id AND m.vulnerability_id = s.heir
        UNION ALL SELECT FROM second_opinions o WHERE o.component_id = n.component_id AND o.vulnerability_id = s.heir)
      ORDER BY f.component_id, s.heir, f.analyzed_at DESC NULLS LAST, f.id
      ON CONFLICT (component_id, vulnerability_id) DO NOTHING
      RETURNING id, component_id, vulnerability_id, status
    )
    INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification)
    SELECT DISTINCT ON (c.id) c.id, 'split', 'import', NULL, c.status, 'Was part of ' || o.external_id || '; what was decided on that holds here too.'
    FROM copied c JOIN succession s ON s.heir = c.vulnerability_id JOIN moving n ON n.old = s.old AND n.component_id = c.component_id JOIN vulnerabilities o ON o.id = n.old ORDER BY c.id, o.id`.execute(tx);
}

/**
 * Decisions on packages go to what the vulnerability has become and to new parts, not to parts that were known before, where they might hide what nobody has
 * looked at. The newer of two holds, also for the findings that follow such decisions.
 */
async function inheritDecisions(tx: Tx): Promise<void> {
  await sql`
    INSERT INTO finding_decisions AS k (project_id, package_id, vulnerability_id, status, justification, justification_code, suppressed_until, source, vex_origin, analyst_user_id, decided_at)
    SELECT DISTINCT ON (d.project_id, d.package_id, s.heir) d.project_id, d.package_id, s.heir, d.status, d.justification, d.justification_code, d.suppressed_until, d.source, d.vex_origin, d.analyst_user_id, d.decided_at
    FROM finding_decisions d JOIN succession s ON s.old = d.vulnerability_id AND s.heir <> s.old AND (s.home OR s.fresh) ORDER BY d.project_id, d.package_id, s.heir, d.decided_at DESC
    ON CONFLICT (project_id, package_id, vulnerability_id) DO UPDATE SET status = excluded.status, justification = excluded.justification, justification_code = excluded.justification_code,
      suppressed_until = excluded.suppressed_until, source = excluded.source, vex_origin = excluded.vex_origin, analyst_user_id = excluded.analyst_user_id, decided_at = excluded.decided_at
      WHERE excluded.decided_at > k.decided_at`.execute(tx);
  await sql`
    WITH todo AS (
      SELECT f.id, f.status AS former, k.* FROM finding_decisions k
      JOIN findings f ON f.project_id = k.project_id AND f.vulnerability_id = k.vulnerability_id AND f.resolved_at IS NULL AND f.status <> k.status
      JOIN components c ON c.id = f.component_id JOIN package_versions pv ON pv.id = c.package_version_id AND pv.package_id = k.package_id
      WHERE k.vulnerability_id IN (SELECT heir FROM succession WHERE heir <> old AND (home OR fresh)) AND (k.suppressed_until IS NULL OR k.suppressed_until > now())
        AND (f.decision_scope = 'package' OR f.decision_scope IS NULL) AND (f.analyzed_at IS NULL OR f.analyzed_at < k.decided_at)
      ORDER BY f.id FOR NO KEY UPDATE OF f
    ), carried AS (
      UPDATE findings f SET status = t.status, justification = t.justification, justification_code = t.justification_code, suppressed_until = t.suppressed_until, decision_scope = 'package',
        vex_origin = t.vex_origin, analysis_source = t.source, analyst_user_id = t.analyst_user_id, analyzed_at = t.decided_at, version = f.version + 1, updated_at = now()
      FROM todo t WHERE t.id = f.id RETURNING f.id, f.project_id, t.former, f.status, f.justification, f.justification_code, t.source, f.analyst_user_id
    ), marked AS (
      INSERT INTO gate_checks (project_id, cause) SELECT DISTINCT project_id, 'import' FROM carried
    )
    INSERT INTO finding_events (finding_id, kind, source, from_status, to_status, justification, justification_code, actor_user_id)
    SELECT id, 'carried', source, former, status, justification, justification_code, analyst_user_id FROM carried`.execute(tx);
}

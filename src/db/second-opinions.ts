/** What Dependency-Track reported last of each component. Kept until it has answered for a scan of the component again: silence closes nothing. */
import { sql } from 'kysely';
import type { HashedAdvisory } from './advisories.ts';
import type { Db, Tx } from './connect.ts';

/** By what names Dependency-Track knows a scan. */
export interface ScanNaming {
  team_slug: string;
  team_name: string;
  slug: string;
  name: string;
  description: string | null;
  ref: string | null;
  commit_sha: string | null;
}

export async function findScanNaming(db: Db, scanId: string): Promise<ScanNaming | undefined> {
  const { rows } = await sql<ScanNaming>`
    SELECT t.slug AS team_slug, t.name AS team_name, p.slug, p.name, p.description, s.ref, s.commit_sha
    FROM scans s JOIN projects p ON p.id = s.project_id JOIN teams t ON t.id = p.team_id WHERE s.id = ${scanId}`.execute(db);
  return rows[0];
}

/** Those of the records that nobody else describes, and that are new or say something else than before. */
export async function wantedReports(db: Db, reports: readonly HashedAdvisory[]): Promise<HashedAdvisory[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT t.id FROM unnest(${reports.map(({ id }) => id)}::text[], ${reports.map(({ hash }) => hash)}::bytea[]) AS t (id, hash)
    LEFT JOIN advisories a ON a.id = t.id
    WHERE CASE WHEN a.id IS NULL THEN NOT EXISTS (SELECT FROM vulnerabilities v WHERE v.external_id = t.id UNION ALL SELECT FROM vulnerabilities v WHERE v.aliases @> ARRAY[t.id])
      ELSE a.origin = 'dependency_track' AND a.content_hash <> t.hash END`.execute(db);
  const wanted = new Set(rows.map(({ id }) => id));
  return reports.filter(({ id }) => wanted.has(id));
}

/** A vulnerability on a component. */
export interface Report {
  /** Of the component, as the scan has it. */
  purl: string;
  /** Of the vulnerability: an id or alias that the portal knows. */
  name: string;
  /** Somebody has suppressed it there: that opens nothing here, and closes nothing. */
  suppressed: boolean;
}

/** Takes these for all that is reported of the scan's components. */
export async function replaceOpinions(tx: Tx, scan: { id: string; projectId: string }, reports: readonly Report[]): Promise<void> {
  const names = [...new Set(reports.map(({ name }) => name))];
  await sql`
    WITH named AS MATERIALIZED (
      SELECT DISTINCT ON (n.name) n.name, v.id
      FROM unnest(${names}::text[]) AS n (name) JOIN vulnerabilities v ON v.external_id = n.name OR v.aliases @> ARRAY[n.name] ORDER BY n.name, v.external_id = n.name DESC, v.id
    ), given AS MATERIALIZED (
      SELECT c.id AS component_id, n.id AS vulnerability_id, array_agg(DISTINCT t.name ORDER BY t.name) AS names, bool_and(t.suppressed) AS suppressed
      FROM unnest(${reports.map(({ purl }) => purl)}::text[], ${reports.map(({ name }) => name)}::text[], ${reports.map(({ suppressed }) => suppressed)}::boolean[]) AS t (purl, name, suppressed)
      JOIN named n ON n.name = t.name JOIN components c ON c.project_id = ${scan.projectId} AND c.purl = t.purl JOIN scan_components sc ON sc.scan_id = ${scan.id} AND sc.component_id = c.id
      GROUP BY c.id, n.id
    ), gone AS (
      DELETE FROM second_opinions o USING scan_components sc
      WHERE sc.scan_id = ${scan.id} AND o.component_id = sc.component_id AND NOT EXISTS (SELECT FROM given g WHERE g.component_id = o.component_id AND g.vulnerability_id = o.vulnerability_id)
    )
    INSERT INTO second_opinions AS o (component_id, vulnerability_id, names)
    SELECT g.component_id, g.vulnerability_id, g.names FROM given g
    WHERE NOT g.suppressed OR EXISTS (SELECT FROM second_opinions k WHERE k.component_id = g.component_id AND k.vulnerability_id = g.vulnerability_id)
    ORDER BY g.component_id, g.vulnerability_id
    ON CONFLICT (component_id, vulnerability_id) DO UPDATE SET names = excluded.names WHERE o.names <> excluded.names`.execute(tx);
}

/** Brings them along when vulnerabilities merge or split, by the names that they were reported by. For db/regroup.ts, which has filled `succession`. */
export async function moveOpinions(tx: Tx): Promise<void> {
  await sql`
    CREATE TEMP TABLE moving_opinions ON COMMIT DROP AS
    SELECT o.component_id, s.heir, o.names
    FROM (
      SELECT k.*, ARRAY(SELECT t.heir FROM succession t JOIN vulnerabilities v ON v.id = t.heir WHERE t.old = k.vulnerability_id AND (v.external_id || v.aliases) && k.names) AS named
      FROM second_opinions k WHERE k.vulnerability_id IN (SELECT old FROM succession)
    ) o JOIN succession s ON s.old = o.vulnerability_id AND (s.heir = ANY(o.named) OR (s.home AND o.named = '{}'))`.execute(tx);
  await sql`
    INSERT INTO second_opinions AS o (component_id, vulnerability_id, names)
    SELECT m.component_id, m.heir, array_agg(DISTINCT n.name ORDER BY n.name) FROM moving_opinions m CROSS JOIN unnest(m.names) AS n (name) GROUP BY m.component_id, m.heir
    ON CONFLICT (component_id, vulnerability_id) DO UPDATE SET names = ARRAY(SELECT DISTINCT n.name FROM unnest(o.names || excluded.names) AS n (name) ORDER BY n.name)`.execute(tx);
  await sql`
    DELETE FROM second_opinions o WHERE o.vulnerability_id IN (SELECT old FROM succession)
      AND NOT EXISTS (SELECT FROM moving_opinions m WHERE m.component_id = o.component_id AND m.heir = o.vulnerability_id)`.execute(tx);
}

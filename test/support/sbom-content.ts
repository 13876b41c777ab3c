/** What a project's current scan holds, as lines to compare: what goes out as an SBOM must come in again. */
import { sql, type Kysely } from 'kysely';
import type { DB } from '../../generated/db.ts';

/** A line a component and an edge, sorted. */
export async function contentOf(db: Kysely<DB>, projectId: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    SELECT concat_ws(' | ', c.purl, pv.version, 'declared ' || sc.license_expression, sc.type, sc.scope, sc.direct, sc.supplier, sc.hashes, sc.copyright, sc.description, c.installed) AS line
    FROM projects p JOIN scan_components sc ON sc.scan_id = p.current_scan_id JOIN components c ON c.id = sc.component_id JOIN package_versions pv ON pv.id = sc.package_version_id WHERE p.id = ${projectId}
    UNION ALL
    SELECT a.purl || ' -> ' || b.purl FROM projects p JOIN scan_components x ON x.scan_id = p.current_scan_id JOIN components a ON a.id = x.component_id
    CROSS JOIN unnest(x.depends_on) AS target JOIN scan_components y ON y.scan_id = x.scan_id AND y.ordinal = target JOIN components b ON b.id = y.component_id WHERE p.id = ${projectId}`.execute(db);
  return rows.map(({ line }) => line).sort();
}

/**
 * Loading without indexes and foreign keys, which are made again afterwards: once for all rows instead of row by row. That they can be made shows that the rows
 * keep what they promise.
 */
import { sql } from 'kysely';
import type { Tx } from '../../../src/db/connect.ts';

/** Primary keys that others refer to stay: rows come in their order. */
const TABLES = ['packages', 'package_versions', 'vulnerabilities', 'advisories', 'advisory_ranges', 'matches', 'scans', 'components', 'scan_components', 'license_findings', 'findings', 'finding_events', 'audit_log', 'notifications', 'approvals'];

interface Suspended {
  drop: string;
  restore: string;
}

/** Drops them, and returns how each comes back: constraints on which others rest first. */
export async function suspend(tx: Tx): Promise<string[]> {
  const { rows } = await sql<Suspended>`
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop, format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS restore
    FROM pg_constraint c WHERE c.conrelid = ANY(${TABLES}::regclass[])
      AND (c.contype = 'f' OR (c.contype IN ('u', 'p') AND c.conname IN ('findings_component_id_vulnerability_id_key', 'components_project_id_purl_key', 'scan_components_pkey', 'matches_pkey',
        'license_findings_component_id_license_id_kind_key', 'package_versions_identity', 'packages_type_namespace_name_key', 'vulnerabilities_external_id_key')))
    ORDER BY c.contype = 'f' DESC, c.conname`.execute(tx);
  const indexes = await sql<Suspended>`
    SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS drop, pg_get_indexdef(i.indexrelid) AS restore
    FROM pg_index i WHERE i.indrelid = ANY(${TABLES}::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ORDER BY i.indrelid::regclass::text, 1`.execute(tx);
  const all = [...rows, ...indexes.rows];
  for (const { drop } of all) await sql.raw(drop).execute(tx);
  const isForeign = ({ restore }: Suspended): boolean => restore.includes('FOREIGN KEY');
  return [...all.filter((one) => !isForeign(one)), ...all.filter(isForeign)].map(({ restore }) => restore);
}

/** Storing vulnerability data: staged first, then applied in the same transaction by set-based statements. */
import { sql, type RawBuilder } from 'kysely';
import type { Advisory, AdvisoryFacts } from '../advisories/osv.ts';
import type { Tx } from './connect.ts';
import { toJson } from './json.ts';
import { KEY_REVISION } from './packages.ts';

const RANGE_COLUMNS = sql.raw('advisory_id, ecosystem, match_name, introduced, introduced_key, fixed, fixed_key, limited, last_affected, last_key, exact, weak, imports, key_revision');

/** An OSV record, or what Dependency-Track says of a vulnerability that no OSV record names. */
export type AdvisoryOrigin = 'osv' | 'dependency_track';

export interface HashedAdvisory extends Advisory {
  hash: Buffer;
}

/** Until the transaction ends nobody else changes what advisories say. */
export async function lockImports(tx: Tx): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('sca-portal:import', 0))`.execute(tx);
}

/** One import at a time; no time limit on its statements; empty staging tables that the end of the transaction drops. */
export async function beginImport(tx: Tx): Promise<void> {
  await sql`SET LOCAL statement_timeout = 0`.execute(tx);
  await lockImports(tx);
  await sql`CREATE TEMP TABLE incoming (id text PRIMARY KEY, names text[], modified_at timestamptz, content_hash bytea, withdrawn_at timestamptz, facts jsonb, origin text) ON COMMIT DROP`.execute(tx);
  await sql`CREATE TEMP TABLE incoming_ranges (LIKE advisory_ranges INCLUDING DEFAULTS) ON COMMIT DROP`.execute(tx);
  await sql`ALTER TABLE incoming_ranges DROP COLUMN id`.execute(tx);
  await sql`CREATE TEMP TABLE touched (ecosystem text, match_name text, PRIMARY KEY (ecosystem, match_name)) ON COMMIT DROP`.execute(tx);
}

/** Those of the hashes, in hex, that some stored advisory has: its record need not be read. */
export async function knownHashes(tx: Tx, hashes: readonly Buffer[]): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ hash: string }>`
    SELECT encode(t.hash, 'hex') AS hash FROM unnest(${hashes}::bytea[]) AS t (hash) WHERE EXISTS (SELECT FROM advisories a WHERE a.content_hash = t.hash)`.execute(tx);
  return new Set(rows.map((row) => row.hash));
}

/** Stages those of the advisories that are new or have changed; a later one of the same id replaces an earlier one, an older one nothing. Returns how many. */
export async function stageAdvisories(tx: Tx, advisories: readonly HashedAdvisory[], origin: AdvisoryOrigin = 'osv'): Promise<number> {
  const latest = [...new Map(advisories.map((advisory) => [advisory.id, advisory])).values()];
  const { rows } = await sql<{ id: string }>`
    SELECT t.id FROM unnest(${latest.map((one) => one.id)}::text[], ${latest.map((one) => one.hash)}::bytea[], ${latest.map((one) => one.facts.modified)}::timestamptz[]) AS t (id, hash, modified)
    WHERE NOT EXISTS (SELECT FROM advisories a WHERE a.id = t.id AND (a.content_hash = t.hash OR a.modified_at > t.modified))`.execute(tx);
  const wanted = new Set(rows.map((row) => row.id));
  const changed = latest.filter((advisory) => wanted.has(advisory.id));
  if (changed.length === 0) return 0;
  const { rows: repeated } = await sql<{ id: string }>`SELECT id FROM incoming WHERE id = ANY(${[...wanted]}::text[])`.execute(tx);
  if (repeated.length > 0) await sql`DELETE FROM incoming_ranges WHERE advisory_id = ANY(${repeated.map((row) => row.id)}::text[])`.execute(tx);
  await sql`
    INSERT INTO incoming (id, names, modified_at, content_hash, withdrawn_at, facts, origin)
    SELECT id, ARRAY(SELECT jsonb_array_elements_text(names)), modified, decode(hash, 'hex'), withdrawn, facts, ${origin}
    FROM jsonb_to_recordset(${toJson(changed.map(({ id, names, hash, facts }) => ({ id, names, hash: hash.toString('hex'), modified: facts.modified, withdrawn: facts.withdrawn, facts })))}::jsonb)
      AS t (id text, names jsonb, modified timestamptz, hash text, withdrawn timestamptz, facts jsonb)
    ON CONFLICT (id) DO UPDATE SET names = excluded.names, modified_at = excluded.modified_at, content_hash = excluded.content_hash, withdrawn_at = excluded.withdrawn_at, facts = excluded.facts`.execute(tx);
  const hex = (key: Buffer | null): string | null => key?.toString('hex') ?? null;
  const ranges = changed.flatMap(({ id, ranges: own }) => own.map((range) => ({
    id, ecosystem: range.ecosystem, match_name: range.matchName, introduced: range.introduced, introduced_key: hex(range.introducedKey), fixed: range.fixed,
    fixed_key: hex(range.fixedKey), limited: range.limited, last_affected: range.lastAffected, last_key: hex(range.lastKey), exact: range.exact, weak: range.weak, imports: range.imports,
  })));
  await sql`
    INSERT INTO incoming_ranges (${RANGE_COLUMNS})
    SELECT id, ecosystem, match_name, introduced, decode(introduced_key, 'hex'), fixed, decode(fixed_key, 'hex'), limited, last_affected, decode(last_key, 'hex'),
      ARRAY(SELECT jsonb_array_elements_text(exact)), weak, ARRAY(SELECT jsonb_array_elements_text(imports)), ${sql.lit(KEY_REVISION)}
    FROM jsonb_to_recordset(${toJson(ranges)}::jsonb) AS t (id text, ecosystem text, match_name text, introduced text, introduced_key text, fixed text,
      fixed_key text, limited text, last_affected text, last_key text, exact jsonb, weak boolean, imports jsonb)`.execute(tx);
  return changed.length;
}

export interface RelatedAdvisory {
  id: string;
  names: string[];
  withdrawn: boolean;
  /** Null for one that is new. */
  vulnerability_id: number | null;
}

/** The staged advisories, and all stored ones that are connected to them by names, through others too, as they were and as they are now. */
export async function relatedAdvisories(tx: Tx): Promise<RelatedAdvisory[]> {
  await sql`ANALYZE incoming`.execute(tx);
  const { rows } = await sql<RelatedAdvisory>`
    WITH RECURSIVE spoken (name) AS (
      SELECT unnest(names) FROM incoming UNION SELECT unnest(a.names) FROM incoming i JOIN advisories a ON a.id = i.id
    ), reached (name) AS (
      SELECT name FROM spoken
      UNION SELECT n.name FROM reached r JOIN advisories a ON a.names @> ARRAY[r.name] CROSS JOIN LATERAL unnest(a.names) AS n (name)
    )
    SELECT coalesce(i.id, a.id) AS id, coalesce(i.names, a.names) AS names, (CASE WHEN i.id IS NULL THEN a.withdrawn_at ELSE i.withdrawn_at END) IS NOT NULL AS withdrawn, a.vulnerability_id
    FROM incoming i FULL JOIN (SELECT a.* FROM advisories a JOIN reached r ON r.name = a.id) a ON a.id = i.id
    ORDER BY 1`.execute(tx);
  return rows;
}

/** External ids of vulnerabilities. */
export async function externalIds(tx: Tx, ids: readonly number[]): Promise<Map<number, string>> {
  const { rows } = await sql<{ id: number; external_id: string }>`SELECT id, external_id FROM vulnerabilities WHERE id = ANY(${ids}::bigint[])`.execute(tx);
  return new Map(rows.map((row) => [row.id, row.external_id]));
}

/** New vulnerabilities, still without facts; their ids in the same order. */
export async function insertVulnerabilities(tx: Tx, externalIdsInOrder: readonly string[]): Promise<number[]> {
  const { rows } = await sql<{ id: number; external_id: string }>`
    INSERT INTO vulnerabilities (external_id, severity) SELECT name, 'unknown' FROM unnest(${externalIdsInOrder}::text[]) AS t (name) RETURNING id, external_id`.execute(tx);
  const idOf = new Map(rows.map((row) => [row.external_id, row.id]));
  return externalIdsInOrder.map((name) => idOf.get(name) ?? 0);
}

/** Rows from which on an import gathers statistics of what it has written, which autovacuum will not see before the end: without them each batch would scan whole tables. */
const MANY = 1_000;
const analyze = async (tx: Tx, rows: number, tables: RawBuilder<unknown>): Promise<void> => {
  if (rows >= MANY) await sql`ANALYZE ${tables}`.execute(tx);
};

/** Writes the staged advisories, each to its vulnerability, and moves stored ones whose vulnerability is now another. Notes the packages that any of this touches. */
export async function applyAdvisories(tx: Tx, vulnerabilityOf: ReadonlyMap<string, number>): Promise<void> {
  await sql`CREATE TEMP TABLE assigned (advisory_id text PRIMARY KEY, vulnerability_id bigint) ON COMMIT DROP`.execute(tx);
  await sql`INSERT INTO assigned SELECT * FROM unnest(${[...vulnerabilityOf.keys()]}::text[], ${[...vulnerabilityOf.values()]}::bigint[])`.execute(tx);
  await analyze(tx, vulnerabilityOf.size, sql`vulnerabilities, assigned, incoming_ranges`);
  await sql`
    INSERT INTO touched
    SELECT ecosystem, match_name FROM incoming_ranges
    UNION SELECT r.ecosystem, r.match_name FROM incoming i JOIN advisory_ranges r ON r.advisory_id = i.id
    UNION SELECT r.ecosystem, r.match_name FROM assigned n JOIN advisories a ON a.id = n.advisory_id AND a.vulnerability_id <> n.vulnerability_id JOIN advisory_ranges r ON r.advisory_id = a.id`.execute(tx);
  await sql`UPDATE advisories a SET vulnerability_id = n.vulnerability_id FROM assigned n WHERE a.id = n.advisory_id AND a.vulnerability_id <> n.vulnerability_id`.execute(tx);
  await sql`
    INSERT INTO advisories (id, vulnerability_id, names, modified_at, content_hash, withdrawn_at, facts, origin)
    SELECT i.id, n.vulnerability_id, i.names, i.modified_at, i.content_hash, i.withdrawn_at, i.facts, i.origin FROM incoming i JOIN assigned n ON n.advisory_id = i.id
    ON CONFLICT (id) DO UPDATE SET names = excluded.names, modified_at = excluded.modified_at, content_hash = excluded.content_hash,
      withdrawn_at = excluded.withdrawn_at, facts = excluded.facts, origin = excluded.origin, imported_at = now()`.execute(tx);
  await sql`DELETE FROM advisory_ranges r USING incoming i WHERE r.advisory_id = i.id`.execute(tx);
  await sql`
    INSERT INTO advisory_ranges (${RANGE_COLUMNS}) SELECT ${RANGE_COLUMNS} FROM incoming_ranges`.execute(tx);
  await analyze(tx, vulnerabilityOf.size, sql`advisories, advisory_ranges, touched`);
}

/** What all advisories of these vulnerabilities say. */
export async function factsOf(tx: Tx, vulnerabilityIds: readonly number[]): Promise<{ id: string; vulnerability_id: number; facts: AdvisoryFacts }[]> {
  const { rows } = await sql<{ id: string; vulnerability_id: number; facts: AdvisoryFacts }>`
    SELECT id, vulnerability_id, facts FROM advisories WHERE vulnerability_id = ANY(${vulnerabilityIds}::bigint[])`.execute(tx);
  return rows;
}

export interface VulnerabilityUpdate {
  id: number;
  external_id: string;
  aliases: readonly string[];
  summary: string | null;
  details: string | null;
  severity: string;
  cvss_score: number | null;
  cvss_vector: string | null;
  severity_source: object | null;
  cwes: readonly string[];
  references: readonly { type: string; url: string }[];
  published: string | null;
  modified: string | null;
  withdrawn: string | null;
}

export async function updateVulnerabilities(tx: Tx, updates: readonly VulnerabilityUpdate[]): Promise<void> {
  const names = sql`(SELECT t.external_id UNION ALL SELECT jsonb_array_elements_text(t.aliases)) AS n (name)`;
  await sql`
    UPDATE vulnerabilities v SET external_id = t.external_id, aliases = ARRAY(SELECT jsonb_array_elements_text(t.aliases)), summary = t.summary, details = t.details,
      severity = t.severity, cvss_score = t.cvss_score, cvss_vector = t.cvss_vector, severity_source = t.severity_source, cwes = ARRAY(SELECT jsonb_array_elements_text(t.cwes)), refs = t.references,
      published_at = t.published, modified_at = t.modified, withdrawn_at = t.withdrawn, updated_at = now(),
      kev_added_on = k.added_on, kev_due_on = k.due_on, epss_score = e.score, epss_percentile = e.percentile
    FROM jsonb_to_recordset(${toJson(updates)}::jsonb) AS t (id bigint, external_id text, aliases jsonb, summary text, details text, severity text,
        cvss_score numeric, cvss_vector text, severity_source jsonb, cwes jsonb, "references" jsonb, published timestamptz, modified timestamptz, withdrawn timestamptz)
      LEFT JOIN LATERAL (SELECT x.added_on, x.due_on FROM ${names} JOIN exploited_vulnerabilities x ON x.cve_id = n.name ORDER BY x.added_on LIMIT 1) k ON true
      LEFT JOIN LATERAL (SELECT x.score, x.percentile FROM ${names} JOIN exploit_predictions x ON x.cve_id = n.name ORDER BY x.score DESC LIMIT 1) e ON true
    WHERE v.id = t.id`.execute(tx);
}

/** Package versions of all packages that the import touches. */
export async function touchedPackageVersions(tx: Tx): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    SELECT pv.id FROM touched t JOIN packages p ON p.ecosystem = t.ecosystem AND p.match_name = t.match_name JOIN package_versions pv ON pv.package_id = p.id AND pv.match_name IS NULL
    UNION ALL SELECT pv.id FROM touched t JOIN package_versions pv ON pv.ecosystem = t.ecosystem AND pv.match_name = t.match_name
    ORDER BY id`.execute(tx);
  return rows.map((row) => row.id);
}

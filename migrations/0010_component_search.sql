CREATE EXTENSION IF NOT EXISTS pg_trgm;     -- a trusted extension: whoever may create schemas may create it

-- What `q` looks through: lower-case, and as people write it (`@scope/name`). Cut, since it stands in an index.
CREATE FUNCTION component_search(purl text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT left(replace(replace(replace(lower(purl), '%40', '@'), '%2f', '/'), '%2b', '+'), 400)
$$;

-- Lists of a scan's components are filtered and sorted by what one index holds; the rows themselves are read for the page only.
ALTER TABLE scan_components
  ADD COLUMN search text NOT NULL DEFAULT '',
  ADD COLUMN name_rank integer,             -- place of the name among those of the scan, by code point; equal names share it
  ADD COLUMN version_rank integer,
  ADD COLUMN license_rank integer;          -- the same of the licence expression: its place in scans.license_expressions, from 1
ALTER TABLE scans ADD COLUMN license_expressions text[] NOT NULL DEFAULT '{}'; -- distinct ones of its components, by code point

UPDATE scan_components sc SET search = component_search(r.purl), name_rank = r.name_rank, version_rank = r.version_rank, license_rank = r.license_rank
FROM (
  SELECT x.scan_id, x.component_id, c.purl, dense_rank() OVER (PARTITION BY x.scan_id ORDER BY k.name COLLATE "C") AS name_rank,
    dense_rank() OVER (PARTITION BY x.scan_id ORDER BY v.version COLLATE "C") AS version_rank,
    CASE WHEN x.license_expression IS NOT NULL THEN dense_rank() OVER (PARTITION BY x.scan_id ORDER BY x.license_expression COLLATE "C") END AS license_rank
  FROM scan_components x JOIN components c ON c.id = x.component_id JOIN package_versions v ON v.id = x.package_version_id JOIN packages k ON k.id = v.package_id
) r
WHERE r.scan_id = sc.scan_id AND r.component_id = sc.component_id;
UPDATE scans s SET license_expressions = l.expressions
FROM (SELECT scan_id, array_agg(DISTINCT license_expression COLLATE "C" ORDER BY license_expression COLLATE "C") AS expressions FROM scan_components WHERE license_expression IS NOT NULL GROUP BY scan_id) l
WHERE l.scan_id = s.id;

DROP INDEX scan_components_ordinal_idx;
CREATE UNIQUE INDEX scan_components_list_idx ON scan_components (scan_id, ordinal)
  INCLUDE (component_id, search, name_rank, version_rank, license_rank, license_tier, scope, direct, depth);
-- Reading from the index alone needs pages that vacuum has seen; those of a new scan should be soon, however large the table is.
ALTER TABLE scan_components SET (autovacuum_vacuum_insert_scale_factor = 0.01);

CREATE INDEX projects_search_idx ON projects USING gin (name gin_trgm_ops, slug gin_trgm_ops);
CREATE INDEX scans_search_idx ON scans USING gin (ref gin_trgm_ops, commit_sha gin_trgm_ops);

-- Lists of large installations: 10,000,000 findings, 200,000 scans. Statements run one by one, without a transaction around them, so that nobody waits while the indexes are made: an index that
-- an interrupted run left half made is made anew.

-- Open findings of a project by component, read from the index alone; and those of its current scan, counted by severity in lists of projects.
DROP INDEX CONCURRENTLY IF EXISTS findings_open_idx;
CREATE INDEX CONCURRENTLY findings_open_idx ON findings (project_id, component_id) INCLUDE (severity_rank, fixable, vulnerability_id, status) WHERE status IN ('new', 'analyzing', 'exploitable');
DROP INDEX CONCURRENTLY IF EXISTS findings_summary_idx;
CREATE INDEX CONCURRENTLY findings_summary_idx ON findings (project_id, severity_rank) WHERE in_current_scan AND status IN ('new', 'analyzing', 'exploitable');
-- Where a vulnerability reaches among what is open.
DROP INDEX CONCURRENTLY IF EXISTS findings_reach_open_idx;
CREATE INDEX CONCURRENTLY findings_reach_open_idx ON findings (vulnerability_id, project_id) INCLUDE (fixable, status) WHERE status IN ('new', 'analyzing', 'exploitable');
-- A project's newest first; and counts by what is filtered by most, without the rows.
DROP INDEX CONCURRENTLY IF EXISTS findings_discovered_idx;
CREATE INDEX CONCURRENTLY findings_discovered_idx ON findings (project_id, first_detected_at DESC NULLS LAST, id DESC) WHERE listed;
DROP INDEX CONCURRENTLY IF EXISTS findings_counted_idx;
CREATE INDEX CONCURRENTLY findings_counted_idx ON findings (project_id, severity_rank, status) INCLUDE (in_current_scan, kev, fixable, vulnerability_id, component_id) WHERE listed;
DROP INDEX CONCURRENTLY IF EXISTS findings_counts_idx;

-- What `q` looks through, a line each.
CREATE OR REPLACE FUNCTION vulnerability_search(external_id text, aliases text[], summary text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT external_id || chr(10) || array_to_string(aliases, chr(10)) || chr(10) || coalesce(summary, '')
$$;
DROP INDEX CONCURRENTLY IF EXISTS vulnerabilities_search_idx;
CREATE INDEX CONCURRENTLY vulnerabilities_search_idx ON vulnerabilities USING gin (vulnerability_search(external_id, aliases, summary) gin_trgm_ops);

-- Scans in the orders that lists offer.
DROP INDEX CONCURRENTLY IF EXISTS scans_started_idx;
CREATE INDEX CONCURRENTLY scans_started_idx ON scans (started_at DESC NULLS LAST, id DESC);
DROP INDEX CONCURRENTLY IF EXISTS scans_completed_idx;
CREATE INDEX CONCURRENTLY scans_completed_idx ON scans (completed_at DESC NULLS LAST, id DESC);
DROP INDEX CONCURRENTLY IF EXISTS scans_status_idx;
CREATE INDEX CONCURRENTLY scans_status_idx ON scans (status, id);
DROP INDEX CONCURRENTLY IF EXISTS scans_kind_idx;
CREATE INDEX CONCURRENTLY scans_kind_idx ON scans (kind, id);

-- Counting reads the index alone where vacuum has seen the pages: what is mostly added to is looked at soon, however large it is.
ALTER TABLE audit_log SET (autovacuum_vacuum_insert_scale_factor = 0.01);
ALTER TABLE findings SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Lists of large installations: 10,000,000 findings, 200,000 scans.

-- Open findings of a project by component, read from the index alone; and those of its current scan, counted by severity in lists of projects.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_open_idx ON findings (project_id, component_id) INCLUDE (severity_rank, fixable, vulnerability_id, status) WHERE status IN ('new', 'analyzing', 'exploitable');
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_summary_idx ON findings (project_id, severity_rank) WHERE in_current_scan AND status IN ('new', 'analyzing', 'exploitable');
-- Where a vulnerability reaches among what is open.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_reach_open_idx ON findings (vulnerability_id, project_id) INCLUDE (fixable, status) WHERE status IN ('new', 'analyzing', 'exploitable');
-- A project's newest first; and counts by what is filtered by most, without the rows.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_discovered_idx ON findings (project_id, first_detected_at DESC NULLS LAST, id DESC) WHERE listed;
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_counted_idx ON findings (project_id, severity_rank, status) INCLUDE (in_current_scan, kev, fixable, vulnerability_id, component_id) WHERE listed;
DROP INDEX CONCURRENTLY IF EXISTS findings_counts_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS vulnerabilities_search_idx ON vulnerabilities USING gin (vulnerability_search(external_id, aliases, summary) gin_trgm_ops);
-- Scans in the orders that lists offer.
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_started_idx ON scans (started_at DESC NULLS LAST, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_ended_idx ON scans (completed_at DESC NULLS LAST, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_status_idx ON scans (status, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_kind_idx ON scans (kind, id);

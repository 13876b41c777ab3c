-- Lists of findings and scans in the orders that they offer, both ways: none of these columns is ever null, so that one index serves up and down.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_by_priority_idx ON findings (project_id, priority, id) WHERE listed;
DROP INDEX CONCURRENTLY IF EXISTS findings_priority_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_by_discovery_idx ON findings (project_id, first_detected_at, id) WHERE listed;
DROP INDEX CONCURRENTLY IF EXISTS findings_discovered_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_by_update_idx ON findings (project_id, updated_at, id) WHERE listed;
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_by_severity_idx ON findings (project_id, severity_rank, id) WHERE listed;
-- What is open in a project, with all that the gate asks, and suppressions by when they end: read from the indexes alone.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_of_gate_idx ON findings (project_id, component_id) INCLUDE (severity_rank, kev, fixable, vulnerability_id, status, first_detected_at, id) WHERE status IN ('new', 'analyzing', 'exploitable');
DROP INDEX CONCURRENTLY IF EXISTS findings_open_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_suppressed_in_idx ON findings (project_id, suppressed_until) WHERE status = 'suppressed' AND suppressed_until IS NOT NULL;
-- Of one vulnerability in one project: for orders and filters by what is known of vulnerabilities. It serves what the index of vulnerabilities alone did.
CREATE INDEX CONCURRENTLY IF NOT EXISTS findings_of_vulnerability_idx ON findings (vulnerability_id, project_id);
DROP INDEX CONCURRENTLY IF EXISTS findings_vulnerability_idx;
CREATE INDEX CONCURRENTLY IF NOT EXISTS vulnerabilities_cvss_idx ON vulnerabilities (cvss_score);
CREATE INDEX CONCURRENTLY IF NOT EXISTS vulnerabilities_cvss_down_idx ON vulnerabilities (cvss_score DESC NULLS LAST);
CREATE INDEX CONCURRENTLY IF NOT EXISTS vulnerabilities_epss_idx ON vulnerabilities (epss_score);
CREATE INDEX CONCURRENTLY IF NOT EXISTS vulnerabilities_epss_down_idx ON vulnerabilities (epss_score DESC NULLS LAST);
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_started_up_idx ON scans (started_at, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_ended_up_idx ON scans (completed_at, id);

-- Searching the whole portfolio: where a vulnerability reaches, who has a package.
CREATE INDEX findings_reach_idx ON findings (vulnerability_id, project_id) WHERE resolved_at IS NULL;
CREATE INDEX packages_search_idx ON packages USING gin ((namespace || '/' || name) gin_trgm_ops);

-- Scans by when they ended: metrics count those of the last hour without reading the table.
CREATE INDEX CONCURRENTLY IF NOT EXISTS scans_completed_idx ON scans (completed_at, status) WHERE completed_at IS NOT NULL;

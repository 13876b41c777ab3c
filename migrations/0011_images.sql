-- The container image that a scan looks at, as the client named it; null for all other scans.
ALTER TABLE scans ADD COLUMN image text;

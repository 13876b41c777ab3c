-- The queue: what waits and what runs is few among very many scans.
CREATE INDEX scans_active_idx ON scans (status, created_at) WHERE status IN ('queued', 'running');
-- Uploads are swept by age, and found by their scan.
CREATE INDEX blobs_created_idx ON blobs (created_at);
CREATE INDEX scans_blob_idx ON scans (blob_id) WHERE blob_id IS NOT NULL;

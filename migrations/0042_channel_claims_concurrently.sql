-- What is due of each channel: a flood for one, or one that is left alone for a while, is not read to find what is due of the others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS channel_deliveries_pending_idx ON channel_deliveries (channel_id, next_attempt_at) WHERE state = 'pending';
DROP INDEX CONCURRENTLY IF EXISTS channel_deliveries_due_idx;

-- What a delivery of a code host asks for: what was skipped is made up for when there is room.
ALTER TABLE webhook_deliveries ADD COLUMN wish jsonb;
CREATE INDEX webhook_deliveries_waiting_idx ON webhook_deliveries (project_id, ref, received_at) WHERE wish IS NOT NULL AND status IN ('skipped_active_scan', 'skipped_team_at_capacity', 'skipped_disk_full');

-- What is told the code host by itself, and what came of the last time.
ALTER TABLE project_code_hosts ADD COLUMN comments boolean NOT NULL DEFAULT true, ADD COLUMN commit_statuses boolean NOT NULL DEFAULT true,
  ADD COLUMN reported_at timestamptz, ADD COLUMN report_error text;

-- Work outside of the database of which there is one at a time: whoever holds the row does it. A holder that dies has it until it runs out.
CREATE UNLOGGED TABLE leases (
  name text PRIMARY KEY,
  holder uuid NOT NULL,
  until timestamptz NOT NULL
);

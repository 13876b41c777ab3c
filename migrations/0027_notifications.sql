-- What has happened, written in the transaction in which it did; a job tells it to whom it concerns, and removes it.
CREATE TABLE notices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('cve_detected', 'scan_completed', 'scan_failed', 'gate_changed', 'approval_pending', 'approval_state_changed', 'disk_pressure', 'backup_failed')),
  project_id uuid REFERENCES projects ON DELETE CASCADE,
  audience text NOT NULL CHECK (audience IN ('team', 'team_admins', 'user', 'super_admins')),
  user_id uuid REFERENCES users ON DELETE CASCADE, -- of audience user
  facts jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((audience = 'user') = (user_id IS NOT NULL))
);

CREATE TABLE notifications (
  id uuid PRIMARY KEY DEFAULT new_id(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  project_id uuid REFERENCES projects ON DELETE CASCADE,
  title text NOT NULL,
  body text NOT NULL,
  link text,
  target_table text,
  target_id text,
  read_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  mail_due_at timestamptz,                  -- when it is tried (again) by mail; null: not by mail, sent, or given up
  mail_tries smallint NOT NULL DEFAULT 0
);
CREATE INDEX notifications_user_idx ON notifications (user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread_idx ON notifications (user_id, project_id) WHERE read_at IS NULL;
CREATE INDEX notifications_mail_idx ON notifications (mail_due_at) WHERE mail_due_at IS NOT NULL;
CREATE INDEX notifications_age_idx ON notifications (created_at);
CREATE INDEX notifications_project_idx ON notifications (project_id) WHERE project_id IS NOT NULL;

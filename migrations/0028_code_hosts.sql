-- Where a project's pull requests are, and by which token the portal may write there.
CREATE TABLE project_code_hosts (
  project_id uuid PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('github', 'gitlab')),
  api_url text NOT NULL,
  token_sealed bytea NOT NULL,
  updated_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- What code hosts send us. Repositories are compared without scheme, user, port, `.git` and case: https://host/a/b.git, ssh://git@host:22/a/b and git@host:a/b are one.
CREATE FUNCTION repository_key(url text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT lower(regexp_replace(regexp_replace(regexp_replace(regexp_replace(url, '^[A-Za-z+]+://(?:[^/@]*@)?', ''), '^[\w.-]+@([\w.-]+):', '\1/'), '^([^/:]+):\d+/', '\1/'), '(?:\.git)?/*$', ''))
$$;
CREATE INDEX projects_repository_idx ON projects (repository_key(git_url)) WHERE git_url IS NOT NULL;

-- By which a project knows its code host. After a rotation the former one is good for an hour.
CREATE TABLE webhook_secrets (
  project_id uuid PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
  secret_sealed bytea NOT NULL,
  previous_sealed bytea,
  previous_until timestamptz,
  created_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((previous_sealed IS NULL) = (previous_until IS NULL))
);

-- One row a delivery and project. Those that were skipped may come again.
CREATE TABLE webhook_deliveries (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  provider text NOT NULL CHECK (provider IN ('github', 'gitlab')),
  delivery_id text NOT NULL,
  event text NOT NULL,
  ref text,
  status text NOT NULL CHECK (status IN ('enqueued', 'ignored', 'skipped_active_scan', 'skipped_team_at_capacity', 'skipped_disk_full')),
  reason text,                              -- why it was ignored or skipped, in words
  scan_id uuid REFERENCES scans ON DELETE SET NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, provider, delivery_id)
);
CREATE INDEX webhook_deliveries_project_idx ON webhook_deliveries (project_id, received_at DESC, id DESC);
CREATE INDEX webhook_deliveries_age_idx ON webhook_deliveries (received_at);

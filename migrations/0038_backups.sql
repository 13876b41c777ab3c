-- Backups that were made or are being made. The files lie in BACKUP_DIR. These rows, and those of restores, stay when a backup is restored.
CREATE TABLE backups (
  name text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('auto', 'manual')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'succeeded', 'failed')),
  progress_percent integer NOT NULL DEFAULT 0,
  size_bytes bigint NOT NULL DEFAULT 0,
  sha256 bytea,
  is_encrypted boolean NOT NULL,
  db_revision text,
  error_message text,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(), -- when somebody last worked on it
  finished_at timestamptz
);
CREATE UNIQUE INDEX backups_one_running_idx ON backups ((true)) WHERE status = 'running';

CREATE TABLE restores (
  id uuid PRIMARY KEY DEFAULT new_id(),
  backup_name text NOT NULL,
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
  progress_percent integer NOT NULL DEFAULT 0,
  passphrase_sealed bytea,                  -- of the archive; gone when the restore has ended
  error_message text,
  ordered_by_email text,
  created_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE UNIQUE INDEX restores_one_active_idx ON restores ((true)) WHERE status IN ('queued', 'running');

CREATE TABLE projects (
  id uuid PRIMARY KEY DEFAULT new_id(),
  team_id uuid NOT NULL REFERENCES teams,
  name text NOT NULL,
  slug text NOT NULL,
  description text,
  git_url text,
  git_credential_sealed bytea,
  default_branch text,
  visibility text NOT NULL DEFAULT 'team' CHECK (visibility IN ('team', 'organization')),
  distribution text NOT NULL DEFAULT 'distributed' CHECK (distribution IN ('saas', 'distributed', 'internal')),
  gate jsonb NOT NULL DEFAULT '{}',         -- only what differs from the default policy
  current_scan_id uuid,                     -- newest succeeded scan of the main line; readers without scan_id see it
  created_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  version integer NOT NULL DEFAULT 1,
  archived_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, slug)
);
CREATE INDEX projects_team_created_idx ON projects (team_id, created_at DESC, id DESC);
CREATE INDEX projects_created_idx ON projects (created_at DESC, id DESC);

-- Processes cache who owns a project; they drop the entry when that changes.
CREATE FUNCTION notify_scope_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('scope_changed', coalesce(NEW.id, OLD.id)::text);
  RETURN NULL;
END $$;
CREATE TRIGGER projects_scope_changed AFTER UPDATE OF team_id, visibility OR DELETE ON projects
  FOR EACH ROW EXECUTE FUNCTION notify_scope_changed();
CREATE TRIGGER teams_scope_changed AFTER DELETE ON teams FOR EACH ROW EXECUTE FUNCTION notify_scope_changed();

-- Uploads and documents that outlive a request, compressed, in rows small enough to stream.
CREATE TABLE blobs (
  id uuid PRIMARY KEY DEFAULT new_id(),
  byte_size bigint NOT NULL,                -- of the content as uploaded
  sha256 bytea NOT NULL,
  file_name text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE blob_chunks (
  blob_id uuid NOT NULL REFERENCES blobs ON DELETE CASCADE,
  seq integer NOT NULL,
  data bytea NOT NULL,                      -- zstd frames, to be joined in order
  PRIMARY KEY (blob_id, seq)
);
ALTER TABLE blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE scans (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('source', 'sbom', 'container')),
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  current_step text CHECK (current_step IN
    ('bootstrap', 'fetch', 'prep', 'cdxgen', 'license', 'dt_upload', 'dt_findings', 'vuln_match', 'finalize')),
  progress_percent integer NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
  ref text,
  commit_sha text,
  metadata jsonb NOT NULL DEFAULT '{}',
  source_format text,                       -- cyclonedx-json, zip, ...: what the upload was recognised as
  blob_id uuid REFERENCES blobs ON DELETE SET NULL,
  job_id uuid,
  is_current boolean NOT NULL DEFAULT false, -- the newest succeeded scan of its ref; findings follow from these
  attempt integer NOT NULL DEFAULT 0,       -- how often a worker has started it
  error_code text,
  error_message text,
  warnings jsonb NOT NULL DEFAULT '[]',
  component_count integer,
  occurrence_count integer,                 -- components as the document counts them, before equal package URLs merge
  requested_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  started_at timestamptz,
  completed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE projects ADD FOREIGN KEY (current_scan_id) REFERENCES scans ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX scans_one_active_idx ON scans (project_id, coalesce(ref, '')) WHERE status IN ('queued', 'running');
CREATE INDEX scans_project_created_idx ON scans (project_id, created_at DESC, id DESC);
CREATE INDEX scans_created_idx ON scans (created_at DESC, id DESC);
CREATE INDEX scans_succeeded_idx ON scans (project_id, completed_at DESC) WHERE status = 'succeeded';
CREATE UNIQUE INDEX scans_current_idx ON scans (project_id, coalesce(ref, '')) WHERE is_current;

-- Packages and their versions are shared by all projects, so that a match is computed once for each.
CREATE TABLE packages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type text NOT NULL,                       -- package URL type
  namespace text NOT NULL DEFAULT '',
  name text NOT NULL,
  ecosystem text,                           -- OSV ecosystem, null where OSV has none for the type
  match_name text,                          -- the name as OSV writes it, normalised
  UNIQUE (type, namespace, name)
);
CREATE INDEX packages_match_idx ON packages (ecosystem, match_name);

CREATE TABLE package_versions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  package_id bigint NOT NULL REFERENCES packages,
  version text NOT NULL,
  version_key bytea,                        -- sorts bytewise as the ecosystem sorts versions; null: not a version there
  matched_at timestamptz,                   -- null: not yet matched
  UNIQUE (package_id, version)
);
CREATE INDEX package_versions_key_idx ON package_versions (package_id, version_key);
CREATE INDEX package_versions_unmatched_idx ON package_versions (id) WHERE matched_at IS NULL;

-- A component is one package URL in one project: its id, its triage and its licence decisions outlive scans.
CREATE TABLE components (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  package_version_id bigint NOT NULL REFERENCES package_versions,
  purl text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, purl)
);
CREATE INDEX components_version_idx ON components (package_version_id);

CREATE TABLE scan_components (
  scan_id uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
  component_id uuid NOT NULL REFERENCES components,
  package_version_id bigint NOT NULL,
  ordinal integer NOT NULL,                 -- place in the scan, by package URL; depends_on holds ordinals
  depends_on integer[] NOT NULL DEFAULT '{}',
  direct boolean,
  depth integer,                            -- edges from the root on the shortest path; null: unknown
  scope text NOT NULL CHECK (scope IN ('required', 'optional', 'dev', 'excluded')),
  type text NOT NULL,
  license_expression text,                  -- normalised SPDX expression
  license_declared text,                    -- as the source wrote it
  license_tier text NOT NULL CHECK (license_tier IN ('allowed', 'conditional', 'forbidden', 'unknown')),
  supplier text,
  description text,
  hashes jsonb NOT NULL DEFAULT '{}',
  evidence text,
  PRIMARY KEY (scan_id, component_id)
);
CREATE UNIQUE INDEX scan_components_ordinal_idx ON scan_components (scan_id, ordinal);
CREATE INDEX scan_components_component_idx ON scan_components (component_id);

CREATE TABLE licenses (
  id uuid PRIMARY KEY DEFAULT new_id(),
  spdx_id text NOT NULL UNIQUE,             -- an SPDX id, or LicenseRef-...
  name text NOT NULL,
  tier text NOT NULL CHECK (tier IN ('allowed', 'conditional', 'forbidden', 'unknown')),
  is_osi_approved boolean NOT NULL DEFAULT false,
  is_fsf_libre boolean,
  is_deprecated boolean NOT NULL DEFAULT false,
  reference_url text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE license_findings (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  component_id uuid NOT NULL REFERENCES components ON DELETE CASCADE,
  license_id uuid NOT NULL REFERENCES licenses,
  kind text NOT NULL CHECK (kind IN ('declared', 'concluded', 'detected')),
  source_path text,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (component_id, license_id, kind)
);
CREATE INDEX license_findings_license_idx ON license_findings (project_id, license_id);

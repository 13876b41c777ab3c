-- What an organisation (team_id null) or a team says of a licence or of components, in place of the built-in catalogue.
CREATE TABLE license_policies (
  id uuid PRIMARY KEY DEFAULT new_id(),
  team_id uuid REFERENCES teams ON DELETE CASCADE,
  license text,                             -- SPDX id or LicenseRef-..., also with `WITH` an exception
  purl_pattern text,                        -- package URL in which * stands for any text
  tier text NOT NULL CHECK (tier IN ('allowed', 'conditional', 'forbidden')),
  reason text,
  expires_at timestamptz,
  lapsed_at timestamptz,                    -- when scans were judged again after it expired
  created_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((license IS NULL) <> (purl_pattern IS NULL))
);
CREATE UNIQUE INDEX license_policies_subject_key
  ON license_policies (coalesce(team_id, '00000000-0000-0000-0000-000000000000'), coalesce(license, ''), coalesce(purl_pattern, ''));
CREATE INDEX license_policies_team_idx ON license_policies (team_id);
CREATE INDEX license_policies_expiry_idx ON license_policies (expires_at) WHERE expires_at IS NOT NULL AND lapsed_at IS NULL;

-- What people concluded of a component's licence; it outlives scans.
CREATE TABLE concluded_licenses (
  component_id uuid PRIMARY KEY REFERENCES components ON DELETE CASCADE,
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  expression text NOT NULL,
  justification text NOT NULL,
  concluded_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX concluded_licenses_project_idx ON concluded_licenses (project_id);

-- Judged is what was concluded, else what the package declares, else what its files were found to say.
ALTER TABLE scan_components ADD COLUMN license_concluded text, ADD COLUMN license_detected text;
-- The licence of the scanned product itself, as its own licence files say.
ALTER TABLE scans ADD COLUMN own_license text;

-- How far a project has come with an obligation. The obligations themselves follow from the catalogue in the code and have no rows; their ids are made of
-- licence and kind.
CREATE TABLE obligation_fulfilments (
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  obligation_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'in_progress', 'fulfilled', 'not_applicable')),
  note text,
  updated_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  version integer NOT NULL DEFAULT 2,       -- 1 is the obligation that nobody has touched
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, obligation_id)
);

-- One row a vulnerability, whichever databases describe it: CVE, GHSA, PYSEC and GO ids that name each other merge.
CREATE TABLE vulnerabilities (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  external_id text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED, -- the CVE id where there is one, else the OSV id
  aliases text[] NOT NULL DEFAULT '{}',
  summary text,
  details text,
  severity text NOT NULL CHECK (severity IN ('critical', 'high', 'medium', 'low', 'info', 'unknown')),
  cvss_score numeric(3, 1),
  cvss_vector text,
  cwes text[] NOT NULL DEFAULT '{}',
  refs jsonb NOT NULL DEFAULT '[]',         -- [{type, url}]
  epss_score real,
  epss_percentile real,
  kev_added_on date,
  kev_due_on date,
  published_at timestamptz,
  modified_at timestamptz,
  withdrawn_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX vulnerabilities_aliases_idx ON vulnerabilities USING gin (aliases);

-- One row an OSV record.
CREATE TABLE advisories (
  id text PRIMARY KEY,                      -- OSV id
  vulnerability_id bigint NOT NULL REFERENCES vulnerabilities,
  names text[] NOT NULL,                    -- its id and its aliases
  modified_at timestamptz NOT NULL,
  content_hash bytea NOT NULL,              -- SHA-256 of the record and of our way to read it, to pass over what has not changed
  withdrawn_at timestamptz,
  facts jsonb NOT NULL,                     -- what the record says of the vulnerability, its severity computed
  imported_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX advisories_vulnerability_idx ON advisories (vulnerability_id);

-- What a record says is affected, one interval a row, its bounds as sortable keys. Withdrawn records have no rows.
-- A version v is affected when introduced_key <= v < fixed_key (or <= last_key), or when it is in `exact`.
CREATE TABLE advisory_ranges (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  advisory_id text NOT NULL REFERENCES advisories ON DELETE CASCADE,
  ecosystem text NOT NULL,
  match_name text NOT NULL,
  introduced text,
  introduced_key bytea,                     -- the empty string is before all versions; null: this row lists exact versions only
  fixed text,
  fixed_key bytea,
  last_affected text,
  last_key bytea,
  exact text[] NOT NULL DEFAULT '{}'        -- versions that have no key
);
CREATE INDEX advisory_ranges_advisory_idx ON advisory_ranges (advisory_id);
CREATE INDEX advisory_ranges_package_idx ON advisory_ranges (ecosystem, match_name);

-- Which package version has which vulnerability; computed once for all projects.
CREATE TABLE matches (
  package_version_id bigint NOT NULL REFERENCES package_versions ON DELETE CASCADE,
  vulnerability_id bigint NOT NULL REFERENCES vulnerabilities ON DELETE CASCADE,
  advisory_ids text[] NOT NULL,
  fixed_version text,                       -- the smallest version above this one that the advisory calls fixed
  PRIMARY KEY (package_version_id, vulnerability_id)
);
CREATE INDEX matches_vulnerability_idx ON matches (vulnerability_id);

-- A finding is a vulnerability on a component of a project; its triage survives scans.
CREATE TABLE findings (
  id uuid PRIMARY KEY DEFAULT new_id(),
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  component_id uuid NOT NULL REFERENCES components ON DELETE CASCADE,
  vulnerability_id bigint NOT NULL REFERENCES vulnerabilities,
  status text NOT NULL DEFAULT 'new' CHECK (status IN
    ('new', 'analyzing', 'exploitable', 'not_affected', 'false_positive', 'suppressed', 'fixed')),
  resolved_at timestamptz,                  -- set where it became `fixed` by itself: no current scan has it any longer
  justification text,
  justification_code text,
  analysis_source text CHECK (analysis_source IN ('manual', 'vex_import')),
  analyst_user_id uuid REFERENCES users ON DELETE SET NULL,
  analyzed_at timestamptz,
  suppressed_until timestamptz,
  version integer NOT NULL DEFAULT 1,
  first_detected_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (component_id, vulnerability_id)
);
CREATE INDEX findings_project_idx ON findings (project_id, status);
CREATE INDEX findings_vulnerability_idx ON findings (vulnerability_id);

-- CISA's catalogue and EPSS come on their own, before or after the records that they speak of.
CREATE TABLE exploited_vulnerabilities (
  cve_id text PRIMARY KEY,
  added_on date NOT NULL,
  due_on date
);
CREATE TABLE exploit_predictions (
  cve_id text PRIMARY KEY,
  score real NOT NULL,
  percentile real NOT NULL
);

-- What was imported from where, for the admin's health page and for incremental imports.
CREATE TABLE advisory_sources (
  name text PRIMARY KEY,                    -- osv:PyPI, kev, epss, ...
  imported_at timestamptz NOT NULL,
  records integer NOT NULL,
  refused integer NOT NULL DEFAULT 0,
  newest_modified_at timestamptz
);

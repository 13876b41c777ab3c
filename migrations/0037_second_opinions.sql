-- Dependency-Track as a second opinion: what it said last of each component, who reports a finding, and a breaker that keeps scans going while it is away.

-- Kept where it is not asked or does not answer: silence closes nothing. Replaced for all components of a scan when it has answered for that scan.
CREATE TABLE second_opinions (
  component_id uuid NOT NULL REFERENCES components ON DELETE CASCADE,
  vulnerability_id bigint NOT NULL REFERENCES vulnerabilities ON DELETE CASCADE,
  names text[] NOT NULL,                    -- by which it was reported; they find the vulnerability again when it merges or splits
  PRIMARY KEY (component_id, vulnerability_id)
);
CREATE INDEX second_opinions_vulnerability_idx ON second_opinions (vulnerability_id);

-- Who reports it; of one that went away, who did last. Computed like its other facts.
ALTER TABLE findings ADD COLUMN sources text[] NOT NULL DEFAULT '{osv}';

-- What no OSV record names is described as Dependency-Track has it, by a record of the reported id, which an OSV record of that id replaces.
ALTER TABLE advisories ADD COLUMN origin text NOT NULL DEFAULT 'osv' CHECK (origin IN ('osv', 'dependency_track'));

-- [{step, reason}]
ALTER TABLE scans ADD COLUMN skipped_steps jsonb NOT NULL DEFAULT '[]';

-- Services outside that may be away, shared by all processes. Closed: open_until is null. Open: until then nobody asks. Half-open: after that one asks, the probe.
CREATE TABLE circuit_breakers (
  name text PRIMARY KEY,
  failures integer NOT NULL DEFAULT 0,      -- in a row
  openings integer NOT NULL DEFAULT 0,      -- in a row: the pause grows with them
  open_until timestamptz,
  probe_until timestamptz,                  -- a probe that has not ended by then is given up, so that another may ask
  error text,                               -- of the last failure
  failed_at timestamptz,
  succeeded_at timestamptz
);

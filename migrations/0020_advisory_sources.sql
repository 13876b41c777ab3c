-- Imports of vulnerability data: what is known of each source, what an import may pass over, and findings that were merged.

-- A source is what is fetched as one: osv:PyPI, kev, epss; `files` are records that were imported one by one. The names used so far were prefixes of ids.
DELETE FROM advisory_sources;
ALTER TABLE advisory_sources
  ALTER COLUMN imported_at DROP NOT NULL,       -- last success, also one that found nothing new; null: none yet
  ALTER COLUMN records SET DEFAULT 0,
  ADD COLUMN tried_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN error text,                        -- of the last try; null where it succeeded
  ADD COLUMN failures integer NOT NULL DEFAULT 0, -- tries that have failed since the last success
  ADD COLUMN digest bytea,                      -- of the last file that was imported, and of our way to read it
  ADD COLUMN validators jsonb NOT NULL DEFAULT '{}'; -- by URL: ETag and Last-Modified of what was imported, and of our way to read it

-- A record whose content some advisory has already is passed over unread.
CREATE INDEX advisories_content_hash_idx ON advisories (content_hash);
-- Which records speak of a name: groups are found by it.
CREATE INDEX advisories_names_idx ON advisories USING gin (names) WITH (fastupdate = off);

-- merged: two vulnerabilities were found to be one, and what was decided on either was brought together. split: a vulnerability was found to be two.
ALTER TABLE finding_events DROP CONSTRAINT finding_events_kind_check;
ALTER TABLE finding_events ADD CONSTRAINT finding_events_kind_check
  CHECK (kind IN ('opened', 'resolved', 'returned', 'triaged', 'carried', 'expired', 'merged', 'split')) NOT VALID;
ALTER TABLE finding_events VALIDATE CONSTRAINT finding_events_kind_check;

-- Ids of findings that became part of another one: they lead to it for ever.
CREATE TABLE merged_findings (
  id uuid PRIMARY KEY,
  finding_id uuid NOT NULL REFERENCES findings ON DELETE CASCADE
);
CREATE INDEX merged_findings_finding_idx ON merged_findings (finding_id);
-- Every id that leads to a finding.
CREATE VIEW finding_ids AS SELECT id, id AS finding_id FROM findings UNION ALL SELECT id, finding_id FROM merged_findings;

-- Matching: what a key is made of is kept beside it, so that newer code can make another; what records say of severity and of how sure their ranges are.

-- Qualifiers that the document knew and the package URL lacks, as they stand in one; null: none. What the component is matched by follows from both.
ALTER TABLE components ADD COLUMN installed text;

ALTER TABLE advisory_ranges
  ADD COLUMN key_revision smallint NOT NULL DEFAULT 0,  -- of the code that made the keys, as in package_versions
  ADD COLUMN limited text,                              -- the version of fixed_key where that is no fix but the range's limit
  ADD COLUMN weak boolean NOT NULL DEFAULT false,       -- says no more than that the package is affected: counts only where no other record of the vulnerability speaks of it
  ADD COLUMN imports text[] NOT NULL DEFAULT '{}';      -- Go: the packages of the module that are affected, where not all are
CREATE INDEX advisory_ranges_revision_idx ON advisory_ranges (key_revision, id);

-- {advisory_id, basis}: the record whose word on the severity counts, and what it says it by; null where none says anything.
ALTER TABLE vulnerabilities ADD COLUMN severity_source jsonb;

-- Findings of unknown severity make a gate warn from now on.
INSERT INTO gate_checks (project_id, cause)
SELECT DISTINCT project_id, 'policy' FROM findings WHERE severity_rank = 5 AND status IN ('new', 'analyzing', 'exploitable');

-- By what a package version is matched, where that differs from its package's ecosystem and name and its own version: packages of distributions are looked up in the release
-- that they were installed on, by their source package and its version, which the qualifiers of a package URL tell. Null: as the package and the version say.
ALTER TABLE package_versions
  ADD COLUMN ecosystem text,
  ADD COLUMN match_name text,
  ADD COLUMN match_version text,
  ADD COLUMN key_revision smallint NOT NULL DEFAULT 0, -- of the code that made key and identity; older ones are made anew by the job rekey-versions
  DROP CONSTRAINT package_versions_package_id_version_key,
  ADD CONSTRAINT package_versions_identity UNIQUE NULLS NOT DISTINCT (package_id, version, ecosystem, match_name, match_version);
CREATE INDEX package_versions_match_idx ON package_versions (ecosystem, match_name) WHERE match_name IS NOT NULL;
CREATE INDEX package_versions_revision_idx ON package_versions (key_revision, id);

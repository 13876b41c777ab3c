-- What NOTICE files and SBOMs repeat of a component besides its licence.
ALTER TABLE scan_components ADD COLUMN copyright text;

-- Texts that a scan's source brought for licences that are on no list; a LicenseRef is explained nowhere else.
CREATE TABLE scan_license_texts (
  scan_id uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
  spdx_id text NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (scan_id, spdx_id)
);

-- Keys that sign documents. They stay for ever: a signature of today must be verifiable in ten years. The private half is sealed with the master key.
CREATE TABLE document_keys (
  kid text PRIMARY KEY,
  algorithm text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_sealed bytea NOT NULL,
  retired_at timestamptz,                   -- null: the key that signs now
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX document_keys_current_idx ON document_keys ((true)) WHERE retired_at IS NULL;

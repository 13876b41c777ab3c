-- What NOTICE files and SBOMs repeat of a component besides its licence.
ALTER TABLE scan_components ADD COLUMN copyright text;

-- Texts that a scan's source brought for licences that are on no list; a LicenseRef is explained nowhere else.
CREATE TABLE scan_license_texts (
  scan_id uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
  spdx_id text NOT NULL,
  text text NOT NULL,
  PRIMARY KEY (scan_id, spdx_id)
);

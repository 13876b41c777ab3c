-- What the client asked git for. `ref` is the short name that lines of work are compared by, `commit_sha` becomes the commit that was really scanned.
ALTER TABLE scans ADD COLUMN fetch_ref text, ADD COLUMN fetch_commit text;

-- Triage of findings: its history, decisions that hold for all versions of a package, and what lists are sorted and counted by.

-- How urgent a finding is, 0 to 100, as its parts: [cvss 0-40, kev 0 or 25, epss 0-20, fix 0 or 10, depth 1-5]. The one place that knows the formula; a later
-- migration that replaces it recomputes the stored sums. EPSS counts by its square root, in whole points: most of its daily noise changes no row.
CREATE FUNCTION finding_priority(cvss numeric, severity text, kev boolean, epss real, fixable boolean, depth integer) RETURNS integer[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[
    round(4 * coalesce(cvss, CASE severity WHEN 'critical' THEN 9.5 WHEN 'high' THEN 8 WHEN 'medium' THEN 5.5 WHEN 'low' THEN 2 WHEN 'info' THEN 0 ELSE 5 END))::integer,
    CASE WHEN kev THEN 25 ELSE 0 END,
    coalesce(round(20 * sqrt(epss::double precision)), 0)::integer,
    CASE WHEN fixable THEN 10 ELSE 0 END,
    CASE depth WHEN 1 THEN 5 WHEN 2 THEN 3 ELSE 1 END]
$$;

ALTER TABLE findings
  ADD COLUMN decision_scope text CHECK (decision_scope IN ('version', 'package')), -- null: undecided
  ADD COLUMN vex_origin jsonb,                -- the VEX statement that the state came from
  ADD COLUMN resolved_from text,              -- state in which it was when it became fixed by itself
  -- What follows is computed from the vulnerability, the match and the current scan by db/matches.ts, so that a list of 100,000 findings is an index's first page.
  ADD COLUMN in_current_scan boolean NOT NULL DEFAULT false,
  ADD COLUMN severity_rank smallint NOT NULL DEFAULT 5, -- 0 critical, 1 high, 2 medium, 3 low, 4 info, 5 unknown
  ADD COLUMN kev boolean NOT NULL DEFAULT false,
  ADD COLUMN fixable boolean NOT NULL DEFAULT false,
  ADD COLUMN priority smallint NOT NULL DEFAULT 0;
-- What a project's list shows when no scan is named.
ALTER TABLE findings ADD COLUMN listed boolean GENERATED ALWAYS AS (in_current_scan OR resolved_at IS NOT NULL) STORED;

UPDATE findings f SET
  decision_scope = CASE WHEN f.status IN ('exploitable', 'not_affected', 'false_positive', 'suppressed') OR (f.status = 'fixed' AND f.resolved_at IS NULL) THEN 'version' END,
  in_current_scan = coalesce(x.present, false), severity_rank = x.severity_rank, kev = x.kev, fixable = x.fixable, priority = x.priority
FROM (
  SELECT f.id, sc.scan_id IS NOT NULL AS present, v.kev_added_on IS NOT NULL AS kev, m.fixed_version IS NOT NULL AS fixable,
    array_position(ARRAY['critical', 'high', 'medium', 'low', 'info', 'unknown'], v.severity) - 1 AS severity_rank,
    (SELECT sum(part) FROM unnest(finding_priority(v.cvss_score, v.severity, v.kev_added_on IS NOT NULL, v.epss_score, m.fixed_version IS NOT NULL, sc.depth)) AS part) AS priority
  FROM findings f
  JOIN components c ON c.id = f.component_id JOIN projects p ON p.id = f.project_id JOIN vulnerabilities v ON v.id = f.vulnerability_id
  LEFT JOIN matches m ON m.package_version_id = c.package_version_id AND m.vulnerability_id = f.vulnerability_id
  LEFT JOIN scan_components sc ON sc.scan_id = p.current_scan_id AND sc.component_id = f.component_id
) x WHERE x.id = f.id;

CREATE INDEX findings_priority_idx ON findings (project_id, priority DESC NULLS LAST, id DESC) WHERE listed;
CREATE INDEX findings_counts_idx ON findings (project_id, severity_rank, status) INCLUDE (in_current_scan) WHERE listed;
CREATE INDEX findings_suppressed_idx ON findings (suppressed_until) WHERE status = 'suppressed' AND suppressed_until IS NOT NULL;

-- A decision on a vulnerability of a package in a project, whatever the version: findings that appear later take it over.
CREATE TABLE finding_decisions (
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  package_id bigint NOT NULL REFERENCES packages ON DELETE CASCADE,
  vulnerability_id bigint NOT NULL REFERENCES vulnerabilities ON DELETE CASCADE,
  status text NOT NULL CHECK (status IN ('exploitable', 'not_affected', 'false_positive', 'suppressed', 'fixed')),
  justification text,
  justification_code text,
  suppressed_until timestamptz,
  source text NOT NULL CHECK (source IN ('manual', 'vex_import')),
  vex_origin jsonb,
  analyst_user_id uuid REFERENCES users ON DELETE SET NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, package_id, vulnerability_id)
);
CREATE INDEX finding_decisions_package_idx ON finding_decisions (package_id);
CREATE INDEX finding_decisions_vulnerability_idx ON finding_decisions (vulnerability_id);

-- What happened to a finding. opened, resolved, returned: by a scan or an import of advisories. triaged: by somebody. carried: by the decision on its package.
-- expired: a suppression's time was over.
CREATE TABLE finding_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  finding_id uuid NOT NULL REFERENCES findings ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('opened', 'resolved', 'returned', 'triaged', 'carried', 'expired')),
  source text NOT NULL CHECK (source IN ('scan', 'import', 'manual', 'vex_import', 'time')),
  from_status text,                         -- null where it opened
  to_status text NOT NULL,
  justification text,
  justification_code text,
  actor_user_id uuid,                       -- stays when the user goes, as in the audit log
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX finding_events_finding_idx ON finding_events (finding_id, id DESC);

-- Projects whose gate may have changed. Rows are only added, so that writers never wait for each other; a job evaluates and removes them.
CREATE TABLE gate_checks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  cause text NOT NULL CHECK (cause IN ('scan', 'triage', 'import', 'policy', 'time')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX gate_checks_project_idx ON gate_checks (project_id);

-- The gate of a project's current scan over time: a row where the outcome became another.
CREATE TABLE gate_outcomes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
  scan_id uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
  outcome text NOT NULL CHECK (outcome IN ('pass', 'warn', 'fail')),
  previous text CHECK (previous IN ('pass', 'warn', 'fail')),
  reason text,
  cause text NOT NULL CHECK (cause IN ('scan', 'triage', 'import', 'policy', 'time')),
  since timestamptz NOT NULL
);
CREATE INDEX gate_outcomes_project_idx ON gate_outcomes (project_id, id DESC);
CREATE INDEX gate_outcomes_scan_idx ON gate_outcomes (scan_id);

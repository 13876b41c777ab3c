-- The audit log is only ever added to, whoever asks: UPDATE, DELETE and TRUNCATE are refused, also to the tables' owner, as whom the portal connects. How an
-- operator prunes it on purpose stands in the README. No table refers to it and it refers to none, so that no deletion reaches it.
ALTER TABLE audit_log ADD COLUMN project_id uuid;

UPDATE audit_log SET project_id = CASE target_table
  WHEN 'projects' THEN target_id::uuid
  WHEN 'scans' THEN (SELECT x.project_id FROM scans x WHERE x.id = target_id::uuid)
  WHEN 'findings' THEN (SELECT x.project_id FROM findings x WHERE x.id = target_id::uuid)
  WHEN 'approvals' THEN (SELECT x.project_id FROM approvals x WHERE x.id = target_id::uuid)
  WHEN 'concluded_licenses' THEN (SELECT x.project_id FROM components x WHERE x.id = target_id::uuid)
  WHEN 'api_keys' THEN (SELECT x.project_id FROM api_keys x WHERE x.id = target_id::uuid)
  WHEN 'obligation_fulfilments' THEN (diff ->> 'project_id')::uuid
END
WHERE target_id IS NOT NULL AND target_table IN ('projects', 'scans', 'findings', 'approvals', 'concluded_licenses', 'api_keys', 'obligation_fulfilments');

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_log_rows_stay BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

-- Each filter of the log has its index, newest first; what has no value in a row is not in that index.
CREATE INDEX audit_log_actor_idx ON audit_log (actor_user_id, created_at DESC, id DESC) WHERE actor_user_id IS NOT NULL;
CREATE INDEX audit_log_team_idx ON audit_log (team_id, created_at DESC, id DESC) WHERE team_id IS NOT NULL;
CREATE INDEX audit_log_project_idx ON audit_log (project_id, created_at DESC, id DESC) WHERE project_id IS NOT NULL;
CREATE INDEX audit_log_target_idx ON audit_log (target_id, created_at DESC, id DESC) WHERE target_id IS NOT NULL;
CREATE INDEX audit_log_table_idx ON audit_log (target_table, created_at DESC, id DESC);
CREATE INDEX audit_log_action_idx ON audit_log (action, created_at DESC, id DESC);
CREATE INDEX audit_log_request_idx ON audit_log (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_log_diff_idx ON audit_log USING gin ((diff::text) gin_trgm_ops);

CREATE INDEX users_search_idx ON users USING gin (email gin_trgm_ops, full_name gin_trgm_ops);
CREATE INDEX users_created_idx ON users (created_at DESC NULLS LAST, id DESC);
CREATE INDEX teams_search_idx ON teams USING gin (name gin_trgm_ops, slug gin_trgm_ops);
CREATE INDEX teams_created_idx ON teams (created_at DESC NULLS LAST, id DESC);
CREATE INDEX scans_requested_by_idx ON scans (requested_by_user_id) WHERE requested_by_user_id IS NOT NULL;

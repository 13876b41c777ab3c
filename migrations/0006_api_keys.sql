-- Keys for machines: `tos_<prefix>_<secret>`. What is kept is a keyed hash; the secret is random, so a slow hash would only slow requests.
CREATE TABLE api_keys (
  id uuid PRIMARY KEY DEFAULT new_id(),
  name text NOT NULL,
  scope text NOT NULL CHECK (scope IN ('org', 'team', 'project')),
  team_id uuid REFERENCES teams ON DELETE CASCADE,
  project_id uuid REFERENCES projects ON DELETE CASCADE,
  prefix text NOT NULL UNIQUE,
  key_hash bytea NOT NULL,                  -- HMAC-SHA-256 of the whole key under the installation's master key
  allowed_actions text[] NOT NULL,
  created_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  last_used_ip text,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((scope = 'team') = (team_id IS NOT NULL)),
  CHECK ((scope = 'project') = (project_id IS NOT NULL))
);
CREATE INDEX api_keys_issuer_idx ON api_keys (created_by_user_id);
CREATE INDEX api_keys_team_idx ON api_keys (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX api_keys_project_idx ON api_keys (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX api_keys_created_idx ON api_keys (created_at DESC, id DESC);

-- Processes cache which actor a key is; they hear of its end as of any change of its issuer.
CREATE FUNCTION notify_api_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('actor_changed', OLD.created_by_user_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER api_keys_actor_changed AFTER DELETE OR UPDATE OF revoked_at, expires_at, allowed_actions, created_by_user_id ON api_keys
  FOR EACH ROW WHEN (OLD.created_by_user_id IS NOT NULL) EXECUTE FUNCTION notify_api_key_changed();

-- An installation keeps one active super admin, whoever tries to take the last one away and however many try at once: the lock makes
-- each wait for the one before, and the look that follows sees what that one left.
CREATE FUNCTION keep_last_super_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('sca-portal:super-admins', 0));
  IF NOT EXISTS (SELECT FROM users WHERE is_super_admin AND is_active) THEN
    RAISE EXCEPTION 'the last active super admin must stay' USING ERRCODE = 'check_violation', CONSTRAINT = 'last_super_admin';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER users_last_super_admin_update AFTER UPDATE OF is_super_admin, is_active ON users
  FOR EACH ROW WHEN (OLD.is_super_admin AND OLD.is_active AND NOT (NEW.is_super_admin AND NEW.is_active)) EXECUTE FUNCTION keep_last_super_admin();
CREATE CONSTRAINT TRIGGER users_last_super_admin_delete AFTER DELETE ON users
  FOR EACH ROW WHEN (OLD.is_super_admin AND OLD.is_active) EXECUTE FUNCTION keep_last_super_admin();

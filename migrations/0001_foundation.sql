-- Ids are UUIDv7 (RFC 9562): they sort by time, so that indexes stay dense. PostgreSQL 18 has uuidv7(); older servers do not.
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
      52, 1), 53, 1), 'hex')::uuid
$$;

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT new_id(),
  email text NOT NULL CHECK (length(email) BETWEEN 3 AND 320),
  full_name text,
  password_hash text,                       -- Argon2id, PHC string; null: signs in by an identity provider only
  is_active boolean NOT NULL DEFAULT true,
  is_super_admin boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE teams (
  id uuid PRIMARY KEY DEFAULT new_id(),
  name text NOT NULL,
  slug text NOT NULL UNIQUE,
  description text,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE memberships (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  team_id uuid NOT NULL REFERENCES teams ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('team_admin', 'developer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, team_id)
);
CREATE INDEX memberships_team_idx ON memberships (team_id);

-- A session is one log-in and the family of refresh tokens that descend from it.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT new_id(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_reason text CHECK (ended_reason IN ('logout', 'reuse', 'password', 'deactivated', 'revoked')),
  ip text,
  user_agent text
);
CREATE INDEX sessions_user_idx ON sessions (user_id) WHERE ended_at IS NULL;

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,             -- SHA-256 of the random token
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  spent_at timestamptz
);
CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (session_id);

-- Keys that sign access tokens; the private half is sealed with the installation's master key.
CREATE TABLE signing_keys (
  kid text PRIMARY KEY,
  algorithm text NOT NULL,
  public_jwk jsonb NOT NULL,
  private_sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  signs_until timestamptz,                  -- null: the key that signs now
  trusted_until timestamptz                 -- null: trusted without end
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys ((true)) WHERE signs_until IS NULL;

CREATE TABLE audit_log (
  id uuid PRIMARY KEY DEFAULT new_id(),
  created_at timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'api_key', 'system', 'anonymous')),
  actor_user_id uuid,
  actor_email text,
  actor_key_prefix text,
  team_id uuid,
  operation text NOT NULL,                  -- operationId, or the job's name
  action text NOT NULL,
  target_table text NOT NULL,
  target_id text,
  request_id text,
  ip text,
  user_agent text,
  diff jsonb
);
CREATE INDEX audit_log_time_idx ON audit_log (created_at DESC, id DESC);

CREATE TABLE idempotency_keys (
  actor text NOT NULL,                      -- "user:<id>" or "key:<prefix>"
  operation text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,               -- SHA-256 of method, path and body
  status integer,                           -- null while the first request is running
  headers jsonb,
  body text,
  locked_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (actor, operation, key)
);
CREATE INDEX idempotency_keys_expiry_idx ON idempotency_keys (expires_at);

-- One row a limited subject; its window starts with its first hit. Losing it in a crash only resets the counters, so it is not logged.
CREATE UNLOGGED TABLE rate_limits (
  bucket text PRIMARY KEY,                  -- "<limit name>:<subject>"
  window_start timestamptz NOT NULL,
  hits integer NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX rate_limits_expiry_idx ON rate_limits (expires_at);

-- Processes cache who an actor is; they drop the entry when any row that it was made of changes.
CREATE FUNCTION notify_actor_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed jsonb := to_jsonb(coalesce(NEW, OLD));
BEGIN
  PERFORM pg_notify('actor_changed', coalesce(changed ->> 'user_id', changed ->> 'id'));
  RETURN NULL;
END $$;
CREATE TRIGGER users_actor_changed AFTER UPDATE OF is_active, is_super_admin, email OR DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION notify_actor_changed();
CREATE TRIGGER memberships_actor_changed AFTER INSERT OR UPDATE OR DELETE ON memberships
  FOR EACH ROW EXECUTE FUNCTION notify_actor_changed();
CREATE TRIGGER sessions_actor_changed AFTER UPDATE OF ended_at OR DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION notify_actor_changed();

-- Accounts at identity providers with which a user logs in. The issuer is part of the identity: a name that is later configured for
-- another issuer must not take over who was known under the old one.
CREATE TABLE oauth_identities (
  id uuid PRIMARY KEY DEFAULT new_id(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  provider text NOT NULL,                   -- github, google, or the configured name
  issuer text NOT NULL,
  provider_user_id text NOT NULL,           -- the subject; it stays when the address changes
  provider_email text,                      -- at the last log-in
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT oauth_identities_subject_key UNIQUE (provider, issuer, provider_user_id)
);
CREATE INDEX oauth_identities_user_idx ON oauth_identities (user_id);

-- States that came back from a provider, until they would have expired anyway: none comes back twice.
CREATE TABLE oauth_spent_states (
  state_hash bytea PRIMARY KEY,             -- SHA-256
  expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_spent_states_expiry_idx ON oauth_spent_states (expires_at);

-- A new key is published before it signs, so that everyone who verifies knows it by then.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz NOT NULL DEFAULT now();
UPDATE signing_keys SET signs_from = created_at;

-- Processes keep the keys; a key that is added, or no longer trusted, counts at once.
CREATE FUNCTION notify_signing_keys_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('signing_keys_changed', '');
  RETURN NULL;
END $$;
CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE ON signing_keys
  FOR EACH STATEMENT EXECUTE FUNCTION notify_signing_keys_changed();

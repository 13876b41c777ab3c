-- Accounts made by their owners: confirmation by mail, password resets, preferences.

-- When the owner proved to read the mailbox: by the link of a confirmation or of a reset. An account whose address nobody proved must
-- not be linked to an identity provider's account by that address.
ALTER TABLE users ADD COLUMN email_verified_at timestamptz;

-- Registrations that wait for their mail to be answered. An address may have several, each with its own password and token: whoever
-- registers an address of somebody else must not undo that owner's registration. Whether an account has the address is looked up by the job.
CREATE TABLE pending_registrations (
  id uuid PRIMARY KEY DEFAULT new_id(),
  email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 320),
  full_name text,
  password_hash text NOT NULL,              -- Argon2id, PHC string
  token_hash bytea UNIQUE,                  -- SHA-256 of the mailed token; null until the job mails it
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX pending_registrations_email_idx ON pending_registrations (email);
CREATE INDEX pending_registrations_expiry_idx ON pending_registrations (expires_at);

-- A row is deleted when its token is spent, so that of two who spend it at once the second finds nothing.
CREATE TABLE password_reset_tokens (
  token_hash bytea PRIMARY KEY,             -- SHA-256 of the mailed token
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX password_reset_tokens_user_idx ON password_reset_tokens (user_id);
CREATE INDEX password_reset_tokens_expiry_idx ON password_reset_tokens (expires_at);

-- No row: the defaults. In-app notifications are always on and have no column.
CREATE TABLE notification_preferences (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  email_enabled boolean NOT NULL DEFAULT true,
  slack_enabled boolean NOT NULL DEFAULT false,
  teams_enabled boolean NOT NULL DEFAULT false,
  kinds jsonb NOT NULL DEFAULT '{}',        -- {"<kind>": {"email_enabled": false, ...}}: what differs for single kinds
  updated_at timestamptz NOT NULL DEFAULT now()
);

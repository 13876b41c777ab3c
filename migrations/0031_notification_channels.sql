-- Where messages go beside the portal and its mail.
CREATE TABLE notification_channels (
  id uuid PRIMARY KEY DEFAULT new_id(),
  type text NOT NULL CHECK (type IN ('webhook', 'slack', 'teams')),
  scope text NOT NULL CHECK (scope IN ('organization', 'team', 'user')),
  team_id uuid REFERENCES teams ON DELETE CASCADE,
  user_id uuid REFERENCES users ON DELETE CASCADE,
  name text NOT NULL,
  url_sealed bytea NOT NULL,                -- whoever knows the URL of a chat's webhook may write there
  url text NOT NULL,                        -- what is left of it for people to know it by
  secret_sealed bytea,                      -- of webhooks: signs what is sent
  former_secret_sealed bytea,               -- signs as well until former_secret_until
  former_secret_until timestamptz,
  kinds text[] NOT NULL,
  is_enabled boolean NOT NULL DEFAULT true,
  disabled_reason text,                     -- why the portal itself switched it off
  failures integer NOT NULL DEFAULT 0,      -- tries that have failed since the last success
  failing_since timestamptz,
  retry_at timestamptz,                     -- not tried before: it has failed several times in a row, or asked for a break
  last_success_at timestamptz,
  created_by_user_id uuid REFERENCES users ON DELETE SET NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((team_id IS NOT NULL) = (scope = 'team') AND (user_id IS NOT NULL) = (scope = 'user')),
  CHECK ((secret_sealed IS NOT NULL) = (type = 'webhook'))
);
CREATE INDEX notification_channels_team_idx ON notification_channels (team_id) WHERE team_id IS NOT NULL;
CREATE INDEX notification_channels_user_idx ON notification_channels (user_id) WHERE user_id IS NOT NULL;

-- What is said, once for all channels that it goes to.
CREATE TABLE channel_messages (
  id uuid PRIMARY KEY DEFAULT new_id(),
  notice_id bigint,                         -- what it was made of; null: somebody tries a channel
  kind text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  link text,
  event jsonb NOT NULL,                     -- the body of webhooks
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX channel_messages_age_idx ON channel_messages (created_at);

-- The outbox and the log of what channels were sent.
CREATE TABLE channel_deliveries (
  id uuid PRIMARY KEY DEFAULT new_id(),
  channel_id uuid NOT NULL REFERENCES notification_channels ON DELETE CASCADE,
  message_id uuid NOT NULL REFERENCES channel_messages ON DELETE CASCADE,
  kind text NOT NULL,                       -- of the message, for lists
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')), -- failed: given up
  attempts integer NOT NULL DEFAULT 0,      -- tries that were begun since it was last queued; fences the one that runs
  next_attempt_at timestamptz NOT NULL DEFAULT now(), -- in the future while a worker sends it
  last_attempt_at timestamptz,
  response_status integer,                  -- of the last try; null where there was no answer
  error text,
  duration_ms integer,
  delivered_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (channel_id, message_id)
);
CREATE INDEX channel_deliveries_due_idx ON channel_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX channel_deliveries_channel_idx ON channel_deliveries (channel_id, created_at DESC, id DESC);
CREATE INDEX channel_deliveries_message_idx ON channel_deliveries (message_id);

-- Some of what happens concerns channels only.
ALTER TABLE notices DROP CONSTRAINT notices_audience_check;
ALTER TABLE notices ADD CONSTRAINT notices_audience_check CHECK (audience IN ('team', 'team_admins', 'user', 'super_admins', 'channels'));

-- When super admins were last told that a disk fills up.
CREATE TABLE disk_alerts (
  level text PRIMARY KEY CHECK (level IN ('warning', 'hard')),
  told_at timestamptz NOT NULL
);

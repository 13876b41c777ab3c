-- Worker processes that run now or did lately, as the health page shows them. Each writes its row again every few seconds.
CREATE TABLE worker_processes (
  id uuid PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL
);

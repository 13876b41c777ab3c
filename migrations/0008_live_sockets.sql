-- Open WebSockets of all processes, so that a user's limit holds across them. A process that has not been seen for a while has died; its rows do not count.
CREATE TABLE live_processes (
  id uuid PRIMARY KEY,
  seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE live_sockets (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  process_id uuid NOT NULL REFERENCES live_processes ON DELETE CASCADE,
  opened_at timestamptz NOT NULL
);
CREATE INDEX live_sockets_user_idx ON live_sockets (user_id, opened_at);
CREATE INDEX live_sockets_process_idx ON live_sockets (process_id);

-- Takes a socket in (again, where it is there), and out the oldest beyond the user's limit; every process is told of those. One user's sockets come one after another.
CREATE FUNCTION enter_live_socket(socket uuid, owner uuid, process uuid, since timestamptz, most integer, dead_after interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE gone uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('sca-portal:live:' || owner, 0));
  DELETE FROM live_sockets s USING live_processes p WHERE s.user_id = owner AND p.id = s.process_id AND p.seen_at < now() - dead_after AND p.id <> process;
  INSERT INTO live_sockets (id, user_id, process_id, opened_at) VALUES (socket, owner, process, since) ON CONFLICT (id) DO NOTHING;
  FOR gone IN DELETE FROM live_sockets WHERE id IN (SELECT id FROM live_sockets WHERE user_id = owner ORDER BY opened_at DESC, id DESC OFFSET most) RETURNING id LOOP
    PERFORM pg_notify('live_evicted', gone::text);
  END LOOP;
END $$;

-- What `q` looks through, a line each.
CREATE FUNCTION vulnerability_search(external_id text, aliases text[], summary text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT external_id || chr(10) || array_to_string(aliases, chr(10)) || chr(10) || coalesce(summary, '')
$$;

-- Counting reads the index alone where vacuum has seen the pages: what is mostly added to is looked at soon, however large it is.
ALTER TABLE audit_log SET (autovacuum_vacuum_insert_scale_factor = 0.01);
ALTER TABLE findings SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.02);

-- Deletes ended sessions of all tenants, with their refresh tokens, and returns their number. SECURITY DEFINER, since no other
-- role sees the sessions of all tenants; nothing of them is returned.
CREATE OR REPLACE FUNCTION app.purge_sessions(ended_before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH ended AS (
      SELECT tenant_id, id FROM public.sessions
       WHERE least(expires_at, idle_expires_at, revoked_at) < ended_before
       LIMIT at_most FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM public.sessions s USING ended e WHERE s.tenant_id = e.tenant_id AND s.id = e.id RETURNING 1
    )
    SELECT count(*) FROM gone
  $$;
REVOKE ALL ON FUNCTION app.purge_sessions FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_sessions TO parley_platform;

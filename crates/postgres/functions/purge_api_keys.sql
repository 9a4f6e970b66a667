-- Deletes expired and revoked API keys of all tenants, and returns their number. SECURITY DEFINER, since no other role sees the
-- keys of all tenants; nothing of them is returned.
CREATE OR REPLACE FUNCTION app.purge_api_keys(ended_before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH ended AS (
      SELECT tenant_id, id FROM public.api_keys
       WHERE least(expires_at, revoked_at) < ended_before
       LIMIT at_most FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM public.api_keys k USING ended e WHERE k.tenant_id = e.tenant_id AND k.id = e.id RETURNING 1
    )
    SELECT count(*) FROM gone
  $$;
REVOKE ALL ON FUNCTION app.purge_api_keys FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_api_keys TO parley_platform;

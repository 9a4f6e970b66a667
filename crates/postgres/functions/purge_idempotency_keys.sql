-- Deletes stored responses of all tenants that are older than a time and returns their number. SECURITY DEFINER: the caller
-- sees no row.
CREATE OR REPLACE FUNCTION app.purge_idempotency_keys(before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH purged AS (
      DELETE FROM public.idempotency_keys
       WHERE ctid IN (SELECT ctid FROM public.idempotency_keys WHERE created_at < before
                       ORDER BY created_at LIMIT at_most FOR UPDATE SKIP LOCKED)
      RETURNING 1
    )
    SELECT count(*) FROM purged
  $$;
REVOKE ALL ON FUNCTION app.purge_idempotency_keys FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.purge_idempotency_keys TO parley_platform;

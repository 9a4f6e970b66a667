-- Records when an API key was used, about once a minute and never a time before the recorded one. Returns whether it was recorded.
-- Sets the tenant for the transaction of this statement and writes with the caller's rights, under its policies. A key that
-- another transaction has locked is left alone: the next request records the use.
CREATE OR REPLACE FUNCTION app.record_api_key_use(for_tenant uuid, for_key uuid, at timestamptz) RETURNS boolean
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    UPDATE public.api_keys k SET last_used_at = at
     WHERE k.tenant_id = for_tenant
       AND k.id = (SELECT due.id FROM public.api_keys due
                    WHERE due.tenant_id = for_tenant AND due.id = for_key
                      AND (due.last_used_at IS NULL OR due.last_used_at <= at - interval '1 minute')
                      FOR NO KEY UPDATE SKIP LOCKED);
    RETURN FOUND;
  END
  $$;
REVOKE ALL ON FUNCTION app.record_api_key_use FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.record_api_key_use TO parley_app;

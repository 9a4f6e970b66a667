-- Begins a transaction: sets its tenant, or none for the platform. Fails if a setting of an earlier transaction is still there;
-- the caller then closes the connection.
CREATE OR REPLACE FUNCTION app.begin_tenant(for_tenant uuid) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    IF coalesce(current_setting('app.current_tenant_id', true), '') <> ''
       OR coalesce(current_setting('app.in_tx', true), '') <> '' THEN
      RAISE EXCEPTION 'a setting has outlived its transaction';
    END IF;
    PERFORM set_config('app.current_tenant_id', coalesce(for_tenant::text, ''), true), set_config('app.in_tx', '1', true);
  END
  $$;
REVOKE ALL ON FUNCTION app.begin_tenant FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.begin_tenant TO parley_app, parley_platform;

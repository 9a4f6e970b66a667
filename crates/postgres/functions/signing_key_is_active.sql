-- Whether a key is the active one: a process may not have noticed a rotation yet. SECURITY DEFINER, as
-- app.signing_key_is_usable.
CREATE OR REPLACE FUNCTION app.signing_key_is_active(named text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state = 'active'); END $$;
REVOKE ALL ON FUNCTION app.signing_key_is_active FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.signing_key_is_active TO parley_app;

-- Whether tokens signed with a key are accepted. SECURITY DEFINER, since parley_app may not read the table; only the boolean is
-- returned. A key id is no secret.
CREATE OR REPLACE FUNCTION app.signing_key_is_usable(named text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    RETURN EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state IN ('upcoming', 'active', 'retiring'));
  END
  $$;
REVOKE ALL ON FUNCTION app.signing_key_is_usable FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.signing_key_is_usable TO parley_app;

-- Whether any tenant has an active account with this number, for a tenant that reconnects it. SECURITY DEFINER, since the row
-- may belong to another tenant; only the boolean is returned.
CREATE OR REPLACE FUNCTION app.number_is_active(app text, number text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT EXISTS (SELECT FROM public.whatsapp_accounts WHERE app_id = app AND phone_number_id = number AND status = 'active') $$;
REVOKE ALL ON FUNCTION app.number_is_active FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.number_is_active TO parley_app;

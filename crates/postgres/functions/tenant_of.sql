-- The id of the tenant with a slug. SECURITY DEFINER, since tenants see no other tenant; only the id is returned.
CREATE OR REPLACE FUNCTION app.tenant_of(with_slug text) RETURNS uuid
  LANGUAGE plpgsql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (SELECT id FROM public.tenants WHERE slug = with_slug); END $$;
REVOKE ALL ON FUNCTION app.tenant_of FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenant_of TO parley_app;

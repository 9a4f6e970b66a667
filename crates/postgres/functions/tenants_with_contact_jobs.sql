-- Ids of tenants whose contacts are being erased or merged, in order. SECURITY DEFINER, since the platform role may not read the
-- jobs, which name people; it returns ids only.
CREATE OR REPLACE FUNCTION app.tenants_with_contact_jobs(after uuid, most integer) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT DISTINCT j.tenant_id FROM public.contact_jobs j WHERE j.tenant_id > after ORDER BY j.tenant_id LIMIT most
  $$;
REVOKE ALL ON FUNCTION app.tenants_with_contact_jobs FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenants_with_contact_jobs TO parley_platform;

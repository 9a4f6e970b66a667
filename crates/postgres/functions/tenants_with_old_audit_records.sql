-- Ids of tenants whose log begins with a record that was sealed before a time, and has another seal after it, in order. SECURITY
-- DEFINER, since the platform role may not read the logs of tenants; it returns ids only.
CREATE OR REPLACE FUNCTION app.tenants_with_old_audit_records(after uuid, sealed_before timestamptz, most integer) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT t.id
      FROM public.tenants t
      LEFT JOIN public.audit_summaries m ON m.tenant_id = t.id
     WHERE t.id > after
       AND (SELECT count(*) = 2 AND min(first.sealed_at) < sealed_before
              FROM (SELECT s.sealed_at FROM public.audit_seals s
                     WHERE s.tenant_id = t.id AND s.sequence > coalesce(m.sequence, 0)
                     ORDER BY s.sequence LIMIT 2) AS first)
     ORDER BY t.id LIMIT most
  $$;
REVOKE ALL ON FUNCTION app.tenants_with_old_audit_records FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenants_with_old_audit_records TO parley_platform;

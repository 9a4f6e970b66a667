-- Ids of tenants with messages or names that an earlier version stored, in order. SECURITY DEFINER, since the platform role may not
-- read messages; it returns ids only. Each tenant takes two look-ups in indexes, however many messages it has.
CREATE OR REPLACE FUNCTION app.tenants_with_old_content(after uuid, most integer) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    WITH RECURSIVE tenants (id) AS (
      (SELECT m.tenant_id FROM public.messages m WHERE m.parts IS NULL AND m.tenant_id > after ORDER BY m.tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT m.tenant_id FROM public.messages m
               WHERE m.parts IS NULL AND m.tenant_id > t.id ORDER BY m.tenant_id LIMIT 1)
        FROM tenants t WHERE t.id IS NOT NULL
    )
    SELECT id FROM (SELECT * FROM (SELECT id FROM tenants WHERE id IS NOT NULL LIMIT most) AS of_messages
                     UNION
                    SELECT j.tenant_id FROM public.refold_jobs j WHERE j.tenant_id > after) AS found
     ORDER BY id
     LIMIT most
  $$;
REVOKE ALL ON FUNCTION app.tenants_with_old_content FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenants_with_old_content TO parley_platform;

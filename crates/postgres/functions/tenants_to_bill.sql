-- Ids of tenants that need a billing run: their period ended before the given day, or an unpaid invoice is due. SECURITY
-- DEFINER, since the platform role may not read the billing tables; it returns ids only, in order.
CREATE OR REPLACE FUNCTION app.tenants_to_bill(before_day date, at timestamptz, after uuid, most integer) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT due.tenant_id
      FROM (SELECT s.tenant_id FROM public.subscriptions s WHERE s.status <> 'canceled' AND s.period_end <= before_day
            UNION
            SELECT i.tenant_id FROM public.invoices i JOIN public.subscriptions s ON s.tenant_id = i.tenant_id
             WHERE i.status = 'open' AND i.due_at <= at AND s.status = 'active') due
     WHERE due.tenant_id > after
     ORDER BY due.tenant_id
     LIMIT most
  $$;
REVOKE ALL ON FUNCTION app.tenants_to_bill FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenants_to_bill TO parley_platform;

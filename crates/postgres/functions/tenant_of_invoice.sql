-- The tenant of an invoice, for an operator who marks it as paid. SECURITY DEFINER, since the platform role may not read the
-- billing tables.
CREATE OR REPLACE FUNCTION app.tenant_of_invoice(invoice uuid) RETURNS uuid
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT i.tenant_id FROM public.invoices i WHERE i.id = invoice $$;
REVOKE ALL ON FUNCTION app.tenant_of_invoice FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.tenant_of_invoice TO parley_platform;

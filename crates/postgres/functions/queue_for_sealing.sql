-- Trigger function of the operators' log: each record that is inserted waits for its seal, whichever role inserts it. SECURITY DEFINER, since the role that
-- serves tenants writes records of operators' changes to a tenant, and has no access to the list of unsealed records.
CREATE OR REPLACE FUNCTION app.queue_for_sealing() RETURNS trigger
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    INSERT INTO public.platform_audit_unsealed (record_id) VALUES (NEW.id);
    RETURN NULL;
  END
  $$;
REVOKE ALL ON FUNCTION app.queue_for_sealing FROM PUBLIC, parley_app, parley_platform;

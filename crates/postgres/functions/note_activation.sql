-- Notes when an account became active first: from then on its tenant has had the number. On the deployment's app an operator
-- approved it, or the setting that lets tenants connect numbers themselves did.
CREATE OR REPLACE FUNCTION app.note_activation() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    NEW.active_since := coalesce(NEW.active_since, NEW.updated_at);
    RETURN NEW;
  END
  $$;
REVOKE ALL ON FUNCTION app.note_activation FROM PUBLIC, parley_app, parley_platform;

-- Trigger function of the audit logs: they are never changed, not even by the owner.
CREATE OR REPLACE FUNCTION app.refuse_change() RETURNS trigger
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RAISE EXCEPTION 'audit records are never changed or deleted'; END $$;
REVOKE ALL ON FUNCTION app.refuse_change FROM PUBLIC, parley_app, parley_platform;

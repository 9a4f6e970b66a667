-- Gives the platform role access to all rows of a table. The table may be a tenant table as well. Called by migrations.
CREATE OR REPLACE FUNCTION app.open_to_platform(target regclass, privileges text) RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY platform_access ON %s FOR ALL TO parley_platform USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT %s ON %s TO parley_platform', privileges, target);
  END
  $$;
REVOKE ALL ON FUNCTION app.open_to_platform FROM PUBLIC, parley_app, parley_platform;

-- Enables row level security with the standard policies and grants privileges. `key` is the column with the tenant's id. Called
-- by migrations, once per tenant table.
--
-- FORCE makes the policies hold for the owner, too. The owner then needs a policy of its own: without one its migrations would
-- update no rows, without an error. `(SELECT app.tenant())` is evaluated once per statement, not once per row.
CREATE OR REPLACE FUNCTION app.protect_tenant_table(target regclass, privileges text, key name DEFAULT 'tenant_id') RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
      'CREATE POLICY tenant_isolation ON %s FOR ALL TO parley_app USING (%I = (SELECT app.tenant())) WITH CHECK (%I = (SELECT app.tenant()))',
      target, key, key);
    EXECUTE format('CREATE POLICY owner_maintenance ON %s FOR ALL TO parley_owner USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT %s ON %s TO parley_app', privileges, target);
  END
  $$;
REVOKE ALL ON FUNCTION app.protect_tenant_table FROM PUBLIC, parley_app, parley_platform;

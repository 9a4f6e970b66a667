-- What later migrations build on: the tenant of a transaction, and the functions that protect a table.

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO parley_app, parley_platform;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO parley_app, parley_platform;

-- The tenant of the current transaction; null if none is set, so that policies then match no row.
CREATE FUNCTION app.tenant() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid $$;

-- Enables row level security with the standard policies and grants privileges. `key` is the column with the tenant's id.
--
-- FORCE makes the policies hold for the owner, too. The owner then needs a policy of its own: without one its migrations
-- would update no rows, without an error. `(SELECT app.tenant())` is evaluated once per statement, not once per row.
CREATE FUNCTION app.protect_tenant_table(target regclass, privileges text, key name DEFAULT 'tenant_id') RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog
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

-- Gives the platform role access to all rows of a table. The table may be a tenant table as well.
CREATE FUNCTION app.open_to_platform(target regclass, privileges text) RETURNS void
  LANGUAGE plpgsql
  SET search_path = pg_catalog
  AS $$
  BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY platform_access ON %s FOR ALL TO parley_platform USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT %s ON %s TO parley_platform', privileges, target);
  END
  $$;

REVOKE ALL ON FUNCTION app.protect_tenant_table(regclass, text, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION app.open_to_platform(regclass, text) FROM PUBLIC;

-- The server checks that all migrations of its build have run.
GRANT SELECT ON __diesel_schema_migrations TO parley_app, parley_platform;

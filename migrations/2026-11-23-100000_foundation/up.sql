-- What every later migration uses: the tenant of a transaction, and the one way to protect a tenant's table.

CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO parley_app, parley_platform;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO parley_app, parley_platform;

-- The tenant that the transaction works for; null outside of one, and null equals nothing.
CREATE FUNCTION app.tenant() RETURNS uuid
  LANGUAGE sql STABLE PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid $$;

-- Row level security with the standard policy, and the grants. `key` is the column that holds the tenant.
--
-- FORCE, because otherwise the owner would be exempt; a policy for the owner, because under FORCE without one its
-- migrations would update no row and say nothing. `(SELECT app.tenant())` is evaluated once per statement, not per row.
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

-- A table that the platform role sees whole, whether or not it is a tenant's, too.
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

-- The server asks whether the schema is the one it was built for.
GRANT SELECT ON __diesel_schema_migrations TO parley_app, parley_platform;

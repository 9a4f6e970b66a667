REVOKE SELECT ON __diesel_schema_migrations FROM parley_app, parley_platform;
DROP FUNCTION app.open_to_platform(regclass, text);
DROP FUNCTION app.protect_tenant_table(regclass, text, name);
DROP FUNCTION app.tenant();
DROP SCHEMA app;
REVOKE USAGE ON SCHEMA public FROM parley_app, parley_platform;

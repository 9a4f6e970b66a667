DROP INDEX users_newest_idx;
REVOKE DELETE ON users FROM parley_app;
REVOKE UPDATE (name, self_registration) ON tenants FROM parley_app;

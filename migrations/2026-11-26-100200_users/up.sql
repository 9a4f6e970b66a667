-- Administering users and the tenant's own settings.

-- Its status and slug are the operator's. The right to change any column is also what locking the row takes.
GRANT UPDATE (name, self_registration) ON tenants TO parley_app;
GRANT DELETE ON users TO parley_app;
CREATE INDEX users_newest_idx ON users (tenant_id, created_at DESC, id DESC);

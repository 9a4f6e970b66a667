-- Administration of users and of the tenant's settings.

-- Status and slug are changed by operators only. Locking the row requires the UPDATE privilege on at least one column.
GRANT UPDATE (name, self_registration) ON tenants TO parley_app;
GRANT DELETE ON users TO parley_app;
CREATE INDEX users_newest_idx ON users (tenant_id, created_at DESC, id DESC);

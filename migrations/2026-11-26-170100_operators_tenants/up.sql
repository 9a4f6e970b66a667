-- Operators create, rename and suspend tenants in the tenant's transaction, so that both audit logs get a record or neither does.
GRANT UPDATE (status) ON tenants TO parley_app;
CREATE POLICY written_by_tenants ON platform_audit_records FOR INSERT TO parley_app WITH CHECK (true);
GRANT INSERT ON platform_audit_records TO parley_app;

CREATE INDEX tenants_newest_idx ON tenants (created_at DESC, id DESC);

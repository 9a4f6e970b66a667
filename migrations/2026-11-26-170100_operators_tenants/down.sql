DROP INDEX tenants_newest_idx;
REVOKE INSERT ON platform_audit_records FROM parley_app;
DROP POLICY written_by_tenants ON platform_audit_records;
REVOKE UPDATE (status) ON tenants FROM parley_app;

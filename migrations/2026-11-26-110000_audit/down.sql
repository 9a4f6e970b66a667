DROP TABLE audit_records, platform_audit_records;
DROP FUNCTION app.refuse_change();

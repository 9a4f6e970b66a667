DROP TABLE audit_records, audit_unsealed, audit_seals, platform_audit_records;
DROP FUNCTION app.refuse_change();

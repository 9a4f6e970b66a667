DROP TRIGGER is_queued_for_sealing ON platform_audit_records;
DROP FUNCTION app.queue_for_sealing();
DROP FUNCTION IF EXISTS app.start_session_with_mac;
DROP TABLE platform_audit_seals, platform_audit_unsealed;
ALTER TABLE audit_seals DROP COLUMN provenance;
ALTER TABLE platform_audit_records DROP COLUMN mac_key_id, DROP COLUMN mac;
ALTER TABLE audit_records DROP COLUMN mac_key_id, DROP COLUMN mac;

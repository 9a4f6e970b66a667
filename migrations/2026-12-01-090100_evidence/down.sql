REVOKE UPDATE (handshake_succeeded_at, handshake_failed_at) ON meta_apps FROM parley_platform;
ALTER TABLE meta_apps DROP COLUMN handshake_succeeded_at, DROP COLUMN handshake_failed_at;
ALTER TABLE whatsapp_accounts DROP COLUMN disconnected_at, DROP COLUMN last_delivery_at, DROP COLUMN last_delivery_kind;

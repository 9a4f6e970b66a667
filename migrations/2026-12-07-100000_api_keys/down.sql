COMMENT ON COLUMN idempotency_keys.user_id IS NULL;
ALTER TABLE interactions DROP COLUMN api_key_id;
DROP FUNCTION IF EXISTS app.api_key_access(uuid, uuid);
DROP FUNCTION IF EXISTS app.record_api_key_use(uuid, uuid, timestamptz);
DROP FUNCTION IF EXISTS app.purge_api_keys(timestamptz, bigint);
DROP TABLE api_keys;
DELETE FROM role_permissions WHERE permission IN ('api_keys:read', 'api_keys:write');
DELETE FROM permissions WHERE key IN ('api_keys:read', 'api_keys:write');

INSERT INTO permissions (key) VALUES ('api_keys:read'), ('api_keys:write');

-- With which a tenant's programs call the API. A key belongs to the tenant: it stays when the user who made it is deleted.
CREATE TABLE api_keys (
  tenant_id            uuid NOT NULL REFERENCES tenants (id),
  id                   uuid NOT NULL,
  name                 text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  permissions          text[] NOT NULL CHECK (cardinality(permissions) > 0),
  -- From which it may be used; from everywhere if there is none.
  networks             text[] NOT NULL CHECK (cardinality(networks) <= 50),
  -- SHA-256 of the whole secret, and of the one before the last rotation.
  secret_hash          bytea NOT NULL CHECK (length(secret_hash) = 32),
  previous_hash        bytea CHECK (length(previous_hash) = 32),
  previous_valid_until timestamptz,
  created_by           uuid,
  created_at           timestamptz NOT NULL,
  expires_at           timestamptz NOT NULL,
  revoked_at           timestamptz,
  last_used_at         timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id) ON DELETE SET NULL (created_by),
  CHECK ((previous_hash IS NULL) = (previous_valid_until IS NULL))
);
CREATE INDEX api_keys_list_idx ON api_keys (tenant_id, created_at, id);
CREATE INDEX api_keys_maker_idx ON api_keys (tenant_id, created_by, created_at, id);
-- What the scheduler deletes.
CREATE INDEX api_keys_end_idx ON api_keys (least(expires_at, revoked_at));
SELECT app.protect_tenant_table('api_keys', 'SELECT, INSERT, UPDATE');

-- The key that caused an entry. No foreign key: the entry stays when the key is deleted.
ALTER TABLE interactions ADD COLUMN api_key_id uuid;

-- `idempotency_keys.user_id` and `sends.sender_id` hold the id of the user or of the API key: ids are never equal.
COMMENT ON COLUMN idempotency_keys.user_id IS 'The user, or the API key, that sent the request.';

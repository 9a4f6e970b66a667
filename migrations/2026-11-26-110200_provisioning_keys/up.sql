-- Keys that authenticate operators' programs. Stores hashes only: a reader of the table cannot use the keys.
CREATE TABLE provisioning_keys (
  id           uuid PRIMARY KEY,
  key_hash     bytea NOT NULL CONSTRAINT provisioning_keys_key_hash_key UNIQUE CHECK (length(key_hash) = 32),
  name         text NOT NULL,
  scopes       text[] NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz
);
SELECT app.open_to_platform('provisioning_keys', 'SELECT, INSERT, UPDATE');
CREATE POLICY owner_maintenance ON provisioning_keys FOR ALL TO parley_owner USING (true) WITH CHECK (true);

-- Answers to requests that may be sent again. Written in the transaction of what they tell of.
CREATE TABLE idempotency_keys (
  tenant_id       uuid NOT NULL REFERENCES tenants (id),
  -- Who asked. No reference: who is deleted while their request runs does not make it fail, and a day later it is gone.
  user_id         uuid NOT NULL,
  -- Method and template of the path.
  route           text NOT NULL,
  key             text NOT NULL,
  -- An HMAC of path and body, which may hold a password: nobody who reads the table can try passwords on it.
  fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
  -- The key-encryption key that the HMAC's is derived from.
  fingerprint_key text NOT NULL,
  status          integer NOT NULL CHECK (status BETWEEN 200 AND 299),
  body            text NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, user_id, route, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
SELECT app.protect_tenant_table('idempotency_keys', 'SELECT, INSERT, UPDATE');

-- Forgets what was answered before a time, of all tenants: whoever cleans up need not see a row. Answers how many.
CREATE FUNCTION app.purge_idempotency_keys(before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    WITH purged AS (
      DELETE FROM public.idempotency_keys
       WHERE ctid IN (SELECT ctid FROM public.idempotency_keys WHERE created_at < before
                       ORDER BY created_at LIMIT at_most FOR UPDATE SKIP LOCKED)
      RETURNING 1
    )
    SELECT count(*) FROM purged
  $$;
REVOKE ALL ON FUNCTION app.purge_idempotency_keys(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_idempotency_keys(timestamptz, bigint) TO parley_platform;

-- Stored responses to requests with an Idempotency-Key. Written in the same transaction as the effects of the request.
CREATE TABLE idempotency_keys (
  tenant_id       uuid NOT NULL REFERENCES tenants (id),
  -- No foreign key: deleting the user while the request runs must not make it fail, and the row is deleted after a day.
  user_id         uuid NOT NULL,
  -- HTTP method and path template.
  route           text NOT NULL,
  key             text NOT NULL,
  -- HMAC of path and body. Not a plain hash: the body may contain a password, which a reader of the table could guess.
  fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
  -- Id of the key-encryption key that the HMAC's key is derived from.
  fingerprint_key text NOT NULL,
  status          integer NOT NULL CHECK (status BETWEEN 200 AND 299),
  body            text NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, user_id, route, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);
SELECT app.protect_tenant_table('idempotency_keys', 'SELECT, INSERT, UPDATE');

-- Deletes responses of all tenants that are older than a time and returns their number. SECURITY DEFINER: the caller sees no row.
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

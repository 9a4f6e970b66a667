-- Stored responses to operators' requests with an Idempotency-Key. They belong to no tenant, but are written in a tenant's
-- transaction, which reaches them through two functions only, each for one request.
CREATE TABLE operator_idempotency_keys (
  -- Id of the provisioning key, or the name of the other proof.
  operator        text NOT NULL,
  route           text NOT NULL,
  key             text NOT NULL,
  fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
  fingerprint_key text NOT NULL,
  status          integer NOT NULL CHECK (status BETWEEN 200 AND 299),
  body            text NOT NULL,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (operator, route, key)
);
CREATE INDEX operator_idempotency_keys_created_idx ON operator_idempotency_keys (created_at);
SELECT app.open_to_platform('operator_idempotency_keys', 'SELECT, DELETE');
CREATE POLICY owner_maintenance ON operator_idempotency_keys FOR ALL TO parley_owner USING (true) WITH CHECK (true);

CREATE FUNCTION app.kept_operator_answer(of_operator text, on_route text, with_key text, since timestamptz)
  RETURNS TABLE (fingerprint bytea, fingerprint_key text, status integer, body text)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    SELECT k.fingerprint, k.fingerprint_key, k.status, k.body FROM public.operator_idempotency_keys k
     WHERE k.operator = of_operator AND k.route = on_route AND k.key = with_key AND k.created_at > since
  $$;
REVOKE ALL ON FUNCTION app.kept_operator_answer(text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.kept_operator_answer(text, text, text, timestamptz) TO parley_app;

-- Replaces an expired response.
CREATE FUNCTION app.keep_operator_answer(
    of_operator text, on_route text, with_key text, new_fingerprint bytea, new_fingerprint_key text, new_status integer,
    new_body text, at timestamptz)
  RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    INSERT INTO public.operator_idempotency_keys
      (operator, route, key, fingerprint, fingerprint_key, status, body, created_at)
    VALUES (of_operator, on_route, with_key, new_fingerprint, new_fingerprint_key, new_status, new_body, at)
    ON CONFLICT (operator, route, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, fingerprint_key = excluded.fingerprint_key, status = excluded.status,
           body = excluded.body, created_at = excluded.created_at
  $$;
REVOKE ALL ON FUNCTION app.keep_operator_answer(text, text, text, bytea, text, integer, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.keep_operator_answer(text, text, text, bytea, text, integer, text, timestamptz) TO parley_app;

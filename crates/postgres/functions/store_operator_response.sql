-- Stores the response to an operator's request; replaces an expired one. SECURITY DEFINER: a tenant's transaction writes one
-- request only.
CREATE OR REPLACE FUNCTION app.store_operator_response(
    of_operator text, on_route text, with_key text, new_fingerprint bytea, new_fingerprint_key text, new_status integer,
    new_body text, at timestamptz)
  RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    INSERT INTO public.operator_idempotency_keys
      (operator, route, key, fingerprint, fingerprint_key, status, body, created_at)
    VALUES (of_operator, on_route, with_key, new_fingerprint, new_fingerprint_key, new_status, new_body, at)
    ON CONFLICT (operator, route, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, fingerprint_key = excluded.fingerprint_key, status = excluded.status,
           body = excluded.body, created_at = excluded.created_at
  $$;
REVOKE ALL ON FUNCTION app.store_operator_response FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.store_operator_response TO parley_app;

-- The stored response to an operator's request, unless it has expired. SECURITY DEFINER: a tenant's transaction reads one
-- request only.
CREATE OR REPLACE FUNCTION app.find_operator_response(of_operator text, on_route text, with_key text, since timestamptz)
  RETURNS TABLE (fingerprint bytea, fingerprint_key text, status integer, body text)
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT k.fingerprint, k.fingerprint_key, k.status, k.body FROM public.operator_idempotency_keys k
     WHERE k.operator = of_operator AND k.route = on_route AND k.key = with_key AND k.created_at > since
  $$;
REVOKE ALL ON FUNCTION app.find_operator_response FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.find_operator_response TO parley_app;

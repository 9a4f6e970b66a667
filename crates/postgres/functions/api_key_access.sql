-- An API key and its tenant, in one round trip; called by each request with a key. Sets the tenant for the transaction of this
-- statement and reads with the caller's rights, under its policies. The caller compares the hashes and judges the rest.
CREATE OR REPLACE FUNCTION app.api_key_access(for_tenant uuid, for_key uuid)
  RETURNS TABLE (
    tenant_slug text, tenant_name text, tenant_status text, self_registration text, tenant_created_at timestamptz,
    name text, permissions text[], networks text[], secret_hash bytea, previous_hash bytea, previous_valid_until timestamptz,
    created_by uuid, created_at timestamptz, expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz)
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    RETURN QUERY
    SELECT t.slug, t.name, t.status, t.self_registration, t.created_at,
           k.name, k.permissions, k.networks, k.secret_hash, k.previous_hash, k.previous_valid_until,
           k.created_by, k.created_at, k.expires_at, k.revoked_at, k.last_used_at
      FROM public.api_keys k
      JOIN public.tenants t ON t.id = k.tenant_id
     WHERE k.tenant_id = for_tenant AND k.id = for_key;
  END
  $$;
REVOKE ALL ON FUNCTION app.api_key_access FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.api_key_access TO parley_app;

-- Tenant and user that a login request names, in one round trip. As `app.session_access`, it sets the tenant for the
-- transaction of this statement and reads with the caller's rights. No row if the tenant does not exist; null columns if the
-- user does not.
CREATE OR REPLACE FUNCTION app.login_lookup(by_id uuid, by_slug text, with_email_norm text)
  RETURNS TABLE (
    tenant_id uuid, tenant_slug text, tenant_name text, tenant_status text, self_registration text, tenant_created_at timestamptz,
    user_id uuid, email text, email_norm text, user_name text, password_hash text, user_status text, self_registered boolean,
    user_created_at timestamptz, roles text[])
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    for_tenant uuid := coalesce(by_id, app.tenant_of(by_slug));
  BEGIN
    PERFORM set_config('app.current_tenant_id', coalesce(for_tenant::text, ''), true);
    RETURN QUERY
      SELECT t.id, t.slug, t.name, t.status, t.self_registration, t.created_at,
             u.id, u.email, u.email_norm, u.name, u.password_hash, u.status, u.self_registered, u.created_at,
             ARRAY(SELECT r.key FROM public.memberships m
                     JOIN public.roles r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
                    WHERE m.tenant_id = for_tenant AND m.user_id = u.id ORDER BY r.key)
        FROM public.tenants t
        LEFT JOIN public.users u ON u.tenant_id = t.id AND u.email_norm = with_email_norm
       WHERE t.id = for_tenant;
  END
  $$;
REVOKE ALL ON FUNCTION app.login_lookup FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.login_lookup TO parley_app;

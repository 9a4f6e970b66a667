-- User, tenant, roles and permissions of a session, in one round trip; called by each request. Sets the tenant for the
-- transaction of this statement and reads with the caller's rights, under its policies. No row unless session, user and tenant
-- are active.
--
-- The first use of the latest access token proves that the client has the response of its refresh. Whether this is the first
-- use is read together with the rest; recording it takes a second statement, which most requests do not need.
CREATE OR REPLACE FUNCTION app.session_access(for_tenant uuid, for_session uuid, signed_with text, token_id uuid, at timestamptz)
  RETURNS TABLE (
    key_is_usable boolean,
    tenant_slug text, tenant_name text, self_registration text, tenant_created_at timestamptz,
    user_id uuid, email text, email_norm text, user_name text, self_registered boolean, user_created_at timestamptz,
    session_address text, session_user_agent text, session_created_at timestamptz, session_last_seen_at timestamptz,
    session_idle_expires_at timestamptz, session_expires_at timestamptz, roles text[], permissions text[])
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    first_use boolean;
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    SELECT app.signing_key_is_usable(signed_with),
           t.slug, t.name, t.self_registration, t.created_at,
           u.id, u.email, u.email_norm, u.name, u.self_registered, u.created_at,
           s.address, s.user_agent, s.created_at, s.last_seen_at, s.idle_expires_at, s.expires_at,
           ARRAY(SELECT r.key FROM public.memberships m
                   JOIN public.roles r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
                  WHERE m.tenant_id = for_tenant AND m.user_id = u.id ORDER BY r.key),
           ARRAY(SELECT DISTINCT p.permission FROM public.memberships m
                   JOIN public.role_permissions p ON p.tenant_id = m.tenant_id AND p.role_id = m.role_id
                  WHERE m.tenant_id = for_tenant AND m.user_id = u.id),
           s.unconfirmed = token_id
      INTO key_is_usable,
           tenant_slug, tenant_name, self_registration, tenant_created_at,
           user_id, email, email_norm, user_name, self_registered, user_created_at,
           session_address, session_user_agent, session_created_at, session_last_seen_at, session_idle_expires_at,
           session_expires_at, roles, permissions, first_use
      FROM public.sessions s
      JOIN public.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
      JOIN public.tenants t ON t.id = s.tenant_id
     WHERE s.tenant_id = for_tenant AND s.id = for_session
       AND s.revoked_at IS NULL AND at < s.idle_expires_at AND at < s.expires_at
       AND u.status = 'active' AND t.status = 'active';
    IF NOT FOUND THEN
      RETURN;
    END IF;
    IF first_use THEN
      UPDATE public.sessions SET unconfirmed = NULL
       WHERE tenant_id = for_tenant AND id = for_session AND unconfirmed = token_id;
    END IF;
    RETURN NEXT;
  END
  $$;
REVOKE ALL ON FUNCTION app.session_access FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.session_access TO parley_app;

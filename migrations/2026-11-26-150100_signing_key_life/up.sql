-- Rotation of signing keys, and the check of the key on each request.

-- When the key entered its state.
ALTER TABLE signing_keys ADD COLUMN since timestamptz;
UPDATE signing_keys SET since = created_at;
ALTER TABLE signing_keys ALTER COLUMN since SET NOT NULL;

-- Whether tokens signed with a key are accepted. SECURITY DEFINER, since parley_app may not read the table; only the boolean is
-- returned. A key id is no secret.
CREATE FUNCTION app.signing_key_is_usable(named text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    SELECT EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state IN ('upcoming', 'active', 'retiring'))
  $$;
-- Whether a key is the active one: a process may not have noticed a rotation yet.
CREATE FUNCTION app.signing_key_is_active(named text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$ SELECT EXISTS (SELECT FROM public.signing_keys WHERE kid = named AND state = 'active') $$;
REVOKE ALL ON FUNCTION app.signing_key_is_usable(text), app.signing_key_is_active(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.signing_key_is_usable(text), app.signing_key_is_active(text) TO parley_app;

-- As before, with the check of the signing key and the time that the session was last seen. On the first use of the latest
-- access token, records that the response of the refresh has arrived.
DROP FUNCTION app.access(uuid, uuid, timestamptz);
CREATE FUNCTION app.access(for_tenant uuid, for_session uuid, signed_with text, shown uuid, at timestamptz)
  RETURNS TABLE (
    key_is_usable boolean,
    tenant_slug text, tenant_name text, self_registration text, tenant_created_at timestamptz,
    user_id uuid, email text, email_norm text, user_name text, self_registered boolean, user_created_at timestamptz,
    session_address text, session_user_agent text, session_created_at timestamptz, session_last_seen_at timestamptz,
    session_idle_expires_at timestamptz, session_expires_at timestamptz, roles text[], permissions text[])
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    UPDATE public.sessions SET unconfirmed = NULL
     WHERE tenant_id = for_tenant AND id = for_session AND unconfirmed = shown;
    RETURN QUERY
      SELECT app.signing_key_is_usable(signed_with),
             t.slug, t.name, t.self_registration, t.created_at,
             u.id, u.email, u.email_norm, u.name, u.self_registered, u.created_at,
             s.address, s.user_agent, s.created_at, s.last_seen_at, s.idle_expires_at, s.expires_at,
             ARRAY(SELECT r.key FROM public.memberships m
                     JOIN public.roles r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
                    WHERE m.tenant_id = for_tenant AND m.user_id = u.id ORDER BY r.key),
             ARRAY(SELECT DISTINCT p.permission FROM public.memberships m
                     JOIN public.role_permissions p ON p.tenant_id = m.tenant_id AND p.role_id = m.role_id
                    WHERE m.tenant_id = for_tenant AND m.user_id = u.id)
        FROM public.sessions s
        JOIN public.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        JOIN public.tenants t ON t.id = s.tenant_id
       WHERE s.tenant_id = for_tenant AND s.id = for_session
         AND s.revoked_at IS NULL AND at < s.idle_expires_at AND at < s.expires_at
         AND u.status = 'active' AND t.status = 'active';
  END
  $$;
REVOKE ALL ON FUNCTION app.access(uuid, uuid, text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.access(uuid, uuid, text, uuid, timestamptz) TO parley_app;

DROP TABLE app.applied_functions;

-- Functions that no earlier migration created are those of crates/postgres/functions only.
DO $$
DECLARE
  function regprocedure;
BEGIN
  FOR function IN
    SELECT oid FROM pg_proc WHERE pronamespace = 'app'::regnamespace AND proname <> ALL (ARRAY[
     'tenant', 'protect_tenant_table', 'open_to_platform', 'preview', 'number_is_active', 'refuse_change',
     'purge_idempotency_keys', 'identity_hash', 'word_list', 'fold', 'words', 'word_prefix', 'words_of_tenant',
     'words_query', 'contacts_with_words', 'messages_with_words', 'purge_sessions', 'signing_key_is_usable',
     'signing_key_is_active', 'tenants_to_bill', 'tenant_of'])
  LOOP
    EXECUTE format('DROP FUNCTION %s', function);
  END LOOP;
END
$$;

CREATE FUNCTION app.enter(for_tenant uuid) RETURNS void
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog
  AS $$
  BEGIN
    IF coalesce(current_setting('app.current_tenant_id', true), '') <> ''
       OR coalesce(current_setting('app.in_tx', true), '') <> '' THEN
      RAISE EXCEPTION 'a setting has outlived its transaction';
    END IF;
    PERFORM set_config('app.current_tenant_id', coalesce(for_tenant::text, ''), true), set_config('app.in_tx', '1', true);
  END
  $$;
REVOKE ALL ON FUNCTION app.enter(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.enter(uuid) TO parley_app, parley_platform;

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
  DECLARE
    arrives boolean;
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
           s.unconfirmed = shown
      INTO key_is_usable,
           tenant_slug, tenant_name, self_registration, tenant_created_at,
           user_id, email, email_norm, user_name, self_registered, user_created_at,
           session_address, session_user_agent, session_created_at, session_last_seen_at, session_idle_expires_at,
           session_expires_at, roles, permissions, arrives
      FROM public.sessions s
      JOIN public.users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
      JOIN public.tenants t ON t.id = s.tenant_id
     WHERE s.tenant_id = for_tenant AND s.id = for_session
       AND s.revoked_at IS NULL AND at < s.idle_expires_at AND at < s.expires_at
       AND u.status = 'active' AND t.status = 'active';
    IF NOT FOUND THEN
      RETURN;
    END IF;
    IF arrives THEN
      UPDATE public.sessions SET unconfirmed = NULL
       WHERE tenant_id = for_tenant AND id = for_session AND unconfirmed = shown;
    END IF;
    RETURN NEXT;
  END
  $$;
REVOKE ALL ON FUNCTION app.access(uuid, uuid, text, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.access(uuid, uuid, text, uuid, timestamptz) TO parley_app;

CREATE FUNCTION app.candidate(by_id uuid, by_slug text, with_email_norm text)
  RETURNS TABLE (
    tenant_id uuid, tenant_slug text, tenant_name text, tenant_status text, self_registration text, tenant_created_at timestamptz,
    user_id uuid, email text, email_norm text, user_name text, password_hash text, user_status text, self_registered boolean,
    user_created_at timestamptz, roles text[])
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog
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
REVOKE ALL ON FUNCTION app.candidate(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.candidate(uuid, text, text) TO parley_app;

CREATE FUNCTION app.admit(
    for_tenant uuid, verified text, renewed text, signing_with text, most integer,
    session_id uuid, of_user uuid, client_address text, client_user_agent text,
    started_at timestamptz, idle_ends_at timestamptz, ends_at timestamptz, token_hash bytea,
    record_id uuid, occurred_at timestamptz, actor_kind text, actor_id text, actor_address text, request_id text,
    action text, target_kind text, target_id text, outcome text, changes text)
  RETURNS text
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    -- A request that changes the password or suspends the user waits for this lock and then ends this session, too.
    PERFORM FROM public.users
      WHERE tenant_id = for_tenant AND id = of_user AND status = 'active' AND password_hash = verified
      FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RETURN 'changed';
    END IF;
    IF most <= (SELECT count(*) FROM public.sessions
                 WHERE tenant_id = for_tenant AND user_id = of_user
                   AND revoked_at IS NULL AND idle_expires_at > started_at AND expires_at > started_at) THEN
      RETURN 'full';
    END IF;
    IF NOT app.signing_key_is_active(signing_with) THEN
      RETURN 'key_replaced';
    END IF;
    IF renewed IS NOT NULL THEN
      UPDATE public.users SET password_hash = renewed WHERE tenant_id = for_tenant AND id = of_user;
    END IF;
    WITH started AS (
      INSERT INTO public.sessions
        (tenant_id, id, user_id, address, user_agent, created_at, last_seen_at, idle_expires_at, expires_at)
      VALUES
        (for_tenant, session_id, of_user, client_address, client_user_agent, started_at, started_at, idle_ends_at, ends_at)
    ), first_token AS (
      INSERT INTO public.refresh_tokens (tenant_id, token_hash, session_id, created_at)
      VALUES (for_tenant, token_hash, session_id, started_at)
    ), noted AS (
      INSERT INTO public.audit_records
        (tenant_id, id, occurred_at, actor_kind, actor_id, address, request_id, action, target_kind, target_id, outcome,
         changes)
      VALUES
        (for_tenant, record_id, occurred_at, actor_kind, actor_id, actor_address, request_id, action, target_kind, target_id,
         outcome, changes::json)
    )
    INSERT INTO public.audit_unsealed (tenant_id, record_id) VALUES (for_tenant, record_id);
    RETURN 'started';
  END
  $$;
REVOKE ALL ON FUNCTION app.admit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.admit TO parley_app;

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

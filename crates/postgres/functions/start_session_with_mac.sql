-- Starts a session for a user whose password was verified, in one round trip. As `app.session_access`, it sets the tenant for
-- the transaction of this statement and works with the caller's rights. Writes nothing unless it returns `started`.
--
-- `flows::StartSessionState` specifies the outcome; the test `session_start_outcome_equals_specification` compares both.
CREATE OR REPLACE FUNCTION app.start_session_with_mac(
    for_tenant uuid, verified_hash text, new_hash text, signing_kid text, max_sessions integer,
    session_id uuid, of_user uuid, client_address text, client_user_agent text,
    started_at timestamptz, idle_ends_at timestamptz, ends_at timestamptz, token_hash bytea,
    record_id uuid, occurred_at timestamptz, actor_kind text, actor_id text, actor_address text, request_id text,
    action text, target_kind text, target_id text, outcome text, changes text,
    mac_key_id text, mac bytea)
  RETURNS text
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    -- A request that changes the password or suspends the user waits for this lock and then ends this session, too.
    PERFORM FROM public.users
      WHERE tenant_id = for_tenant AND id = of_user AND status = 'active' AND password_hash = verified_hash
      FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RETURN 'credentials_changed';
    END IF;
    IF max_sessions <= (SELECT count(*) FROM public.sessions
                         WHERE tenant_id = for_tenant AND user_id = of_user
                           AND revoked_at IS NULL AND idle_expires_at > started_at AND expires_at > started_at) THEN
      RETURN 'session_limit_reached';
    END IF;
    IF NOT app.signing_key_is_active(signing_kid) THEN
      RETURN 'signing_key_replaced';
    END IF;
    IF new_hash IS NOT NULL THEN
      UPDATE public.users SET password_hash = new_hash WHERE tenant_id = for_tenant AND id = of_user;
    END IF;
    WITH started AS (
      INSERT INTO public.sessions
        (tenant_id, id, user_id, address, user_agent, created_at, last_seen_at, idle_expires_at, expires_at)
      VALUES
        (for_tenant, session_id, of_user, client_address, client_user_agent, started_at, started_at, idle_ends_at, ends_at)
    ), first_token AS (
      INSERT INTO public.refresh_tokens (tenant_id, token_hash, session_id, created_at)
      VALUES (for_tenant, token_hash, session_id, started_at)
    ), recorded AS (
      INSERT INTO public.audit_records
        (tenant_id, id, occurred_at, actor_kind, actor_id, address, request_id, action, target_kind, target_id, outcome,
         changes, mac_key_id, mac)
      VALUES
        (for_tenant, record_id, occurred_at, actor_kind, actor_id, actor_address, request_id, action, target_kind, target_id,
         outcome, changes::json, mac_key_id, mac)
    )
    INSERT INTO public.audit_unsealed (tenant_id, record_id) VALUES (for_tenant, record_id);
    RETURN 'started';
  END
  $$;
REVOKE ALL ON FUNCTION app.start_session_with_mac FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.start_session_with_mac TO parley_app;

-- For servers of the previous version, which call it until they are replaced. As `app.start_session_with_mac`, but the audit
-- record has no MAC. To be dropped in the next release.
CREATE OR REPLACE FUNCTION app.start_session(
    for_tenant uuid, verified_hash text, new_hash text, signing_kid text, max_sessions integer,
    session_id uuid, of_user uuid, client_address text, client_user_agent text,
    started_at timestamptz, idle_ends_at timestamptz, ends_at timestamptz, token_hash bytea,
    record_id uuid, occurred_at timestamptz, actor_kind text, actor_id text, actor_address text, request_id text,
    action text, target_kind text, target_id text, outcome text, changes text)
  RETURNS text
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    RETURN app.start_session_with_mac(
      for_tenant, verified_hash, new_hash, signing_kid, max_sessions, session_id, of_user, client_address, client_user_agent,
      started_at, idle_ends_at, ends_at, token_hash, record_id, occurred_at, actor_kind, actor_id, actor_address, request_id,
      action, target_kind, target_id, outcome, changes, NULL, NULL);
  END
  $$;
REVOKE ALL ON FUNCTION app.start_session FROM PUBLIC, parley_app, parley_platform;
GRANT EXECUTE ON FUNCTION app.start_session TO parley_app;

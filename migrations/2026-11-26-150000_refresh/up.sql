-- Concurrent refresh requests, and deletion of ended sessions.

-- When the response with the next token was sent; null until then. A request that arrived earlier is concurrent, one that
-- arrived later is a replay.
ALTER TABLE refresh_tokens ADD COLUMN answered_at timestamptz;

-- Tokens that several requests presented at the same time. A separate table, since the first request holds a lock on the token's
-- row, and the others must not wait for it.
CREATE TABLE refresh_overlaps (
  tenant_id  uuid NOT NULL,
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  session_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_overlaps_session_idx ON refresh_overlaps (tenant_id, session_id);
SELECT app.protect_tenant_table('refresh_overlaps', 'SELECT, INSERT');

-- Id of the latest access token of a refreshed session, until it is first used: this proves that the response has arrived.
ALTER TABLE sessions ADD COLUMN unconfirmed uuid;

-- For lists, and for finding the oldest sessions of a user with too many.
CREATE INDEX sessions_newest_idx ON sessions (tenant_id, user_id, created_at DESC, id DESC);
DROP INDEX sessions_user_idx;

-- Deletes ended sessions of all tenants, with their refresh tokens, and returns their number. SECURITY DEFINER, since no other
-- role sees the sessions of all tenants; nothing of them is returned.
CREATE INDEX sessions_ended_idx ON sessions (least(expires_at, idle_expires_at, revoked_at));
CREATE FUNCTION app.purge_sessions(ended_before timestamptz, at_most bigint) RETURNS bigint
  LANGUAGE sql VOLATILE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$
    WITH ended AS (
      SELECT tenant_id, id FROM public.sessions
       WHERE least(expires_at, idle_expires_at, revoked_at) < ended_before
       LIMIT at_most FOR UPDATE SKIP LOCKED
    ), gone AS (
      DELETE FROM public.sessions s USING ended e WHERE s.tenant_id = e.tenant_id AND s.id = e.id RETURNING 1
    )
    SELECT count(*) FROM gone
  $$;
REVOKE ALL ON FUNCTION app.purge_sessions(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_sessions(timestamptz, bigint) TO parley_platform;

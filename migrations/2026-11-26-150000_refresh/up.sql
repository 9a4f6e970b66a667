-- Refreshing: who was answered when, and how long what has ended is kept.

-- When the one who was given the next token was answered. A request that came before is an overlap, one that came later is a
-- replay. Null until then.
ALTER TABLE refresh_tokens ADD COLUMN answered_at timestamptz;

-- Tokens that several requests showed at once: more of them may still be on their way. A table of its own, because the token
-- itself is locked by who was first, and whoever notes this does not wait.
CREATE TABLE refresh_overlaps (
  tenant_id  uuid NOT NULL,
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  session_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_overlaps_session_idx ON refresh_overlaps (tenant_id, session_id);
SELECT app.protect_tenant_table('refresh_overlaps', 'SELECT, INSERT');

-- The newest access token of a refreshed session, until somebody shows it: then the answer has arrived.
ALTER TABLE sessions ADD COLUMN unconfirmed uuid;

-- The newest of a user's, for lists and for who has too many.
CREATE INDEX sessions_newest_idx ON sessions (tenant_id, user_id, created_at DESC, id DESC);
DROP INDEX sessions_user_idx;

-- Deletes sessions that have ended, with their refresh tokens; how many. As the owner, because nobody else sees those of all
-- tenants; it shows nothing of them.
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

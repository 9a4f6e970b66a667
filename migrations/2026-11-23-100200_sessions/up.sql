-- Sessions and the keys that sign their tokens.

CREATE TABLE sessions (
  tenant_id       uuid NOT NULL,
  id              uuid NOT NULL,
  user_id         uuid NOT NULL,
  address         text,
  user_agent      text,
  created_at      timestamptz NOT NULL,
  last_seen_at    timestamptz NOT NULL,
  idle_expires_at timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  revoked_at      timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_user_idx ON sessions (tenant_id, user_id);
SELECT app.protect_tenant_table('sessions', 'SELECT, INSERT, UPDATE, DELETE');

-- Stores hashes only: a reader of the table cannot use the tokens.
CREATE TABLE refresh_tokens (
  tenant_id  uuid NOT NULL,
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
  session_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  used_at    timestamptz,
  PRIMARY KEY (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (tenant_id, session_id);
SELECT app.protect_tenant_table('refresh_tokens', 'SELECT, INSERT, UPDATE, DELETE');

-- User, tenant, roles and permissions of a session, in one round trip. Sets the tenant for the transaction of this statement
-- and reads with the caller's rights, under its policies. No row unless session, user and tenant are active.
CREATE FUNCTION app.access(for_tenant uuid, for_session uuid, at timestamptz)
  RETURNS TABLE (
    tenant_slug text, tenant_name text, self_registration text, tenant_created_at timestamptz,
    user_id uuid, email text, email_norm text, user_name text, self_registered boolean, user_created_at timestamptz,
    session_address text, session_user_agent text, session_created_at timestamptz, session_idle_expires_at timestamptz,
    session_expires_at timestamptz, roles text[], permissions text[])
  LANGUAGE plpgsql VOLATILE
  SET search_path = pg_catalog
  AS $$
  BEGIN
    PERFORM set_config('app.current_tenant_id', for_tenant::text, true);
    RETURN QUERY
      SELECT t.slug, t.name, t.self_registration, t.created_at,
             u.id, u.email, u.email_norm, u.name, u.self_registered, u.created_at,
             s.address, s.user_agent, s.created_at, s.idle_expires_at, s.expires_at,
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
REVOKE ALL ON FUNCTION app.access(uuid, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.access(uuid, uuid, timestamptz) TO parley_app;

-- Belong to the deployment. Private keys are sealed.
CREATE TABLE signing_keys (
  kid            text PRIMARY KEY,
  state          text NOT NULL CHECK (state IN ('upcoming', 'active', 'retiring', 'retired', 'revoked')),
  public_x       text NOT NULL,
  private_sealed bytea NOT NULL,
  sealed_with    text NOT NULL,
  created_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX signing_keys_one_active_key ON signing_keys (state) WHERE state = 'active';
SELECT app.open_to_platform('signing_keys', 'SELECT, INSERT, UPDATE');
CREATE POLICY owner_maintenance ON signing_keys FOR ALL TO parley_owner USING (true) WITH CHECK (true);

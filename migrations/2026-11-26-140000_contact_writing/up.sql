-- Deletion of contacts, and indexes for filtered lists of conversations.

-- Identities of deleted contacts, so that older events that arrive again do not restore them. The hash includes the tenant: it
-- shows neither who was deleted nor whether two tenants had the same contact.
CREATE TABLE erased_identities (
  tenant_id uuid NOT NULL REFERENCES tenants (id),
  hash      bytea NOT NULL CHECK (length(hash) = 32),
  erased_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, hash)
);
SELECT app.protect_tenant_table('erased_identities', 'SELECT, INSERT, UPDATE');

CREATE FUNCTION app.identity_hash(tenant uuid, kind text, scope text, value text) RETURNS bytea
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$ SELECT sha256(convert_to(tenant::text || '|' || kind || '|' || scope || '|' || value, 'UTF8')) $$;

CREATE INDEX conversations_status_idx ON conversations (tenant_id, status, last_message_at DESC, id DESC);
CREATE INDEX conversations_account_idx ON conversations (tenant_id, account_id, last_message_at DESC, id DESC);
DROP INDEX conversations_assignee_idx;
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id, last_message_at DESC, id DESC)
  WHERE assignee_id IS NOT NULL;

-- Contacts that people delete, and lists of conversations by what they are filtered by.

-- What a deleted contact was known by, so that what was said before is not stored again when it is told again. A hash, with
-- the tenant in it: it tells whether somebody is known, not who was, and not whether two tenants knew the same person.
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

-- Former identities of contacts, updates of messages, and merges of contacts.

-- The first 120 characters of a text, on one line.
CREATE FUNCTION app.preview(body text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
    SELECT CASE WHEN length(line) > 120 THEN left(line, 120) || '…' ELSE line END
      FROM (SELECT btrim(regexp_replace(left(body, 4000), '\s+', ' ', 'g'))) AS lines (line)
  $$;

ALTER TABLE contacts
  -- A name set by a user is never overwritten; a name of the business's address book overrides one of the customer's profile.
  ADD COLUMN name_source text NOT NULL DEFAULT 'profile' CHECK (name_source IN ('profile', 'address_book', 'user')),
  ADD COLUMN name_at timestamptz,
  ADD COLUMN marketing_consent_at timestamptz;

-- An identity may have belonged to several contacts over time; it resolves to one of them.
ALTER TABLE contact_identities
  ADD COLUMN resolves boolean NOT NULL DEFAULT true,
  ADD COLUMN since timestamptz,
  -- When WhatsApp last reported that the identity became the contact's, or ceased to be it.
  ADD COLUMN affirmed_at timestamptz,
  ADD COLUMN superseded_at timestamptz;
UPDATE contact_identities SET since = created_at;
ALTER TABLE contact_identities
  ALTER COLUMN since SET NOT NULL,
  DROP CONSTRAINT contact_identities_pkey,
  ADD PRIMARY KEY (tenant_id, kind, scope, value, contact_id);
CREATE UNIQUE INDEX contact_identities_owner_key ON contact_identities (tenant_id, kind, scope, value) WHERE resolves;

-- Changes of phone numbers and user ids that Meta reported. Stored even if no contact has the identity yet, so that the result
-- does not depend on the order of events.
CREATE TABLE identity_changes (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  fingerprint text NOT NULL,
  text        text NOT NULL,
  changed_at  timestamptz NOT NULL,
  -- Whether the change was applied to a contact.
  settled     boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, fingerprint)
);
CREATE TABLE identity_change_keys (
  tenant_id   uuid NOT NULL,
  fingerprint text NOT NULL,
  side        text NOT NULL CHECK (side IN ('before', 'after')),
  kind        text NOT NULL CHECK (kind IN ('bsuid', 'phone')),
  scope       text NOT NULL,
  value       text NOT NULL,
  PRIMARY KEY (tenant_id, fingerprint, side, kind, scope, value),
  FOREIGN KEY (tenant_id, fingerprint) REFERENCES identity_changes (tenant_id, fingerprint) ON DELETE CASCADE
);
CREATE INDEX identity_change_keys_key_idx ON identity_change_keys (tenant_id, kind, scope, value);
SELECT app.protect_tenant_table('identity_changes', 'SELECT, INSERT, UPDATE, DELETE');
SELECT app.protect_tenant_table('identity_change_keys', 'SELECT, INSERT, DELETE');

-- The id of a merged contact resolves to the contact that it was merged into.
CREATE TABLE contact_merges (
  tenant_id  uuid NOT NULL,
  contact_id uuid NOT NULL,
  into_id    uuid NOT NULL,
  merged_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, contact_id),
  FOREIGN KEY (tenant_id, into_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_merges_into_idx ON contact_merges (tenant_id, into_id);
SELECT app.protect_tenant_table('contact_merges', 'SELECT, INSERT, UPDATE, DELETE');

-- Another party, such as Meta's own agent, controls the thread.
ALTER TABLE conversations ADD COLUMN read_only boolean NOT NULL DEFAULT false;

ALTER TABLE messages
  ADD COLUMN origin text NOT NULL DEFAULT 'live' CHECK (origin IN ('live', 'native_app', 'history', 'standby')),
  ADD COLUMN forwarded text CHECK (forwarded IN ('once', 'frequently')),
  -- A message in a group belongs to no conversation.
  ADD COLUMN group_id text,
  ALTER COLUMN conversation_id DROP NOT NULL,
  ADD CHECK ((conversation_id IS NULL) = (group_id IS NOT NULL));

-- Updates of messages: statuses, reactions, edits, revocations. They may arrive before their message. The state of a message is
-- computed from all of its updates, so that their order does not matter.
CREATE TABLE message_updates (
  tenant_id   uuid NOT NULL,
  account_id  uuid NOT NULL,
  wamid       text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('status', 'reaction', 'edit', 'revocation')),
  -- Identifies the update: status and participant, or the update's own wamid.
  key         text NOT NULL,
  -- Status, emoji (null: removed) or new text.
  value       text,
  -- Author; null for the business or Meta.
  contact_id  uuid,
  payload     text,
  occurred_at timestamptz NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, wamid, kind, key),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX message_updates_contact_idx ON message_updates (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
SELECT app.protect_tenant_table('message_updates', 'SELECT, INSERT, UPDATE, DELETE');

-- What an interaction was created from if that is no message; unique, so that it is created once.
ALTER TABLE interactions ADD COLUMN source text;
CREATE UNIQUE INDEX interactions_source_key ON interactions (tenant_id, source) WHERE source IS NOT NULL;

-- Whether any tenant has an active account with this number, for a tenant that reconnects it. SECURITY DEFINER, since the row
-- may belong to another tenant; only the boolean is returned.
CREATE FUNCTION app.number_is_active(app text, number text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$ SELECT EXISTS (SELECT FROM public.whatsapp_accounts WHERE app_id = app AND phone_number_id = number AND status = 'active') $$;
REVOKE ALL ON FUNCTION app.number_is_active(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.number_is_active(text, text) TO parley_app;

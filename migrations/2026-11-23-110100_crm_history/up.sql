-- What a contact was known by before, what happens to messages after they were sent, and where merged contacts went.

-- The first line or so of a text.
CREATE FUNCTION app.preview(body text) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  SET search_path = pg_catalog
  AS $$
    SELECT CASE WHEN length(line) > 120 THEN left(line, 120) || '…' ELSE line END
      FROM (SELECT btrim(regexp_replace(left(body, 4000), '\s+', ' ', 'g'))) AS lines (line)
  $$;

ALTER TABLE contacts
  -- A name that a user gave is never replaced; one of the business's address book beats that of the customer's profile.
  ADD COLUMN name_source text NOT NULL DEFAULT 'profile' CHECK (name_source IN ('profile', 'address_book', 'user')),
  ADD COLUMN name_at timestamptz,
  ADD COLUMN marketing_consent_at timestamptz;

-- One key may have been several contacts' over time; it leads to one of them.
ALTER TABLE contact_identities
  ADD COLUMN resolves boolean NOT NULL DEFAULT true,
  ADD COLUMN since timestamptz,
  -- The last times that WhatsApp said that it became, or ceased to be, the contact's.
  ADD COLUMN affirmed_at timestamptz,
  ADD COLUMN superseded_at timestamptz;
UPDATE contact_identities SET since = created_at;
ALTER TABLE contact_identities
  ALTER COLUMN since SET NOT NULL,
  DROP CONSTRAINT contact_identities_pkey,
  ADD PRIMARY KEY (tenant_id, kind, scope, value, contact_id);
CREATE UNIQUE INDEX contact_identities_owner_key ON contact_identities (tenant_id, kind, scope, value) WHERE resolves;

-- What Meta said about numbers and user ids that became others. Kept also while nobody is known by them: what comes later
-- is led to the same contact, whatever comes first.
CREATE TABLE identity_changes (
  tenant_id   uuid NOT NULL REFERENCES tenants (id),
  fingerprint text NOT NULL,
  text        text NOT NULL,
  changed_at  timestamptz NOT NULL,
  -- There is a contact that it was applied to.
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

-- The id of a contact that was merged into another still leads there.
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

-- Somebody else, such as Meta's own agent, holds the thread.
ALTER TABLE conversations ADD COLUMN read_only boolean NOT NULL DEFAULT false;

ALTER TABLE messages
  ADD COLUMN origin text NOT NULL DEFAULT 'live' CHECK (origin IN ('live', 'native_app', 'history', 'standby')),
  ADD COLUMN forwarded text CHECK (forwarded IN ('once', 'frequently')),
  -- A message in a group is in no conversation with one person.
  ADD COLUMN group_id text,
  ALTER COLUMN conversation_id DROP NOT NULL,
  ADD CHECK ((conversation_id IS NULL) = (group_id IS NOT NULL));

-- What became of messages: statuses, reactions, edits, revocations. They may come before their message, which takes its
-- state from all of them: so their order does not matter.
CREATE TABLE message_updates (
  tenant_id   uuid NOT NULL,
  account_id  uuid NOT NULL,
  wamid       text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('status', 'reaction', 'edit', 'revocation')),
  -- What makes it one: the status and participant, or the update's own wamid.
  key         text NOT NULL,
  -- Status, emoji (null: taken back) or new text.
  value       text,
  -- Who did it; null is the business, or Meta.
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

-- What an interaction tells of, where that is no message: it is told once.
ALTER TABLE interactions ADD COLUMN source text;
CREATE UNIQUE INDEX interactions_source_key ON interactions (tenant_id, source) WHERE source IS NOT NULL;

-- Whether a number is somebody's, for a tenant that would have it back: the row itself may be of another tenant and is
-- not shown.
CREATE FUNCTION app.number_is_active(app text, number text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  AS $$ SELECT EXISTS (SELECT FROM public.whatsapp_accounts WHERE app_id = app AND phone_number_id = number AND status = 'active') $$;
REVOKE ALL ON FUNCTION app.number_is_active(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.number_is_active(text, text) TO parley_app;

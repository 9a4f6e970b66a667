-- Contacts, conversations, messages and interactions.

CREATE TABLE contacts (
  tenant_id         uuid NOT NULL REFERENCES tenants (id),
  id                uuid NOT NULL,
  display_name      text NOT NULL,
  attributes        jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  language          text,
  marketing_consent text NOT NULL DEFAULT 'unknown' CHECK (marketing_consent IN ('unknown', 'granted', 'withdrawn')),
  needs_review      boolean NOT NULL DEFAULT false,
  version           bigint NOT NULL DEFAULT 1,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX contacts_newest_idx ON contacts (tenant_id, created_at DESC, id DESC);
SELECT app.protect_tenant_table('contacts', 'SELECT, INSERT, UPDATE, DELETE');

-- Identities of contacts: WhatsApp user ids, phone numbers, user names. One that is not current any more still resolves to
-- its contact.
CREATE TABLE contact_identities (
  tenant_id  uuid NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('bsuid', 'parent_bsuid', 'phone', 'username')),
  scope      text NOT NULL,
  value      text NOT NULL,
  contact_id uuid NOT NULL,
  current    boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, kind, scope, value),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_identities_contact_idx ON contact_identities (tenant_id, contact_id);
SELECT app.protect_tenant_table('contact_identities', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE conversations (
  tenant_id              uuid NOT NULL,
  id                     uuid NOT NULL,
  account_id             uuid NOT NULL,
  contact_id             uuid NOT NULL,
  status                 text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'pending', 'closed')),
  assignee_id            uuid,
  unread_count           integer NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
  last_message_at        timestamptz NOT NULL,
  last_message_preview   text NOT NULL DEFAULT '',
  service_window_ends_at timestamptz,
  version                bigint NOT NULL DEFAULT 1,
  created_at             timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
  FOREIGN KEY (tenant_id, assignee_id) REFERENCES users (tenant_id, id) ON DELETE SET NULL (assignee_id)
);
CREATE UNIQUE INDEX conversations_one_open_key ON conversations (tenant_id, account_id, contact_id)
  WHERE status <> 'closed';
CREATE INDEX conversations_latest_idx ON conversations (tenant_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_contact_idx ON conversations (tenant_id, contact_id);
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id) WHERE assignee_id IS NOT NULL;
SELECT app.protect_tenant_table('conversations', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE messages (
  tenant_id          uuid NOT NULL,
  id                 uuid NOT NULL,
  conversation_id    uuid NOT NULL,
  contact_id         uuid NOT NULL,
  account_id         uuid NOT NULL,
  wamid              text NOT NULL,
  direction          text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
  kind               text NOT NULL,
  text               text NOT NULL,
  media_id           text,
  media_mime_type    text,
  media_sha256       text,
  media_caption      text,
  media_filename     text,
  reply_to_wamid     text,
  -- JSON as received: the type json would be validated again, and jsonb would change it.
  referral           text,
  payload            text NOT NULL,
  delivery_status    text CHECK (delivery_status IN ('pending', 'sent', 'delivered', 'read', 'played', 'failed')),
  edited_at          timestamptz,
  revoked_at         timestamptz,
  provider_timestamp timestamptz NOT NULL,
  created_at         timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT messages_tenant_id_account_id_wamid_key UNIQUE (tenant_id, account_id, wamid),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES whatsapp_accounts (tenant_id, id)
);
CREATE INDEX messages_conversation_idx ON messages (tenant_id, conversation_id, provider_timestamp DESC, id DESC);
CREATE INDEX messages_contact_idx ON messages (tenant_id, contact_id);
SELECT app.protect_tenant_table('messages', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE interactions (
  tenant_id   uuid NOT NULL,
  id          uuid NOT NULL,
  contact_id  uuid NOT NULL,
  kind        text NOT NULL,
  text        text NOT NULL,
  actor_id    uuid,
  message_id  uuid,
  occurred_at timestamptz NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
  FOREIGN KEY (tenant_id, actor_id) REFERENCES users (tenant_id, id) ON DELETE SET NULL (actor_id),
  FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id)
);
-- At most one interaction of each kind per message.
CREATE UNIQUE INDEX interactions_message_key ON interactions (tenant_id, message_id, kind) WHERE message_id IS NOT NULL;
CREATE INDEX interactions_contact_idx ON interactions (tenant_id, contact_id, occurred_at DESC, id DESC);
SELECT app.protect_tenant_table('interactions', 'SELECT, INSERT, UPDATE, DELETE');

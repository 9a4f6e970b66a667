-- Messages from before a number was connected are in a conversation of their own, which is closed: the past is no work.
--
-- Only additions: servers of the previous version go on, and put imported messages into the last conversation as before.

-- Whether it was made by an import. Stays true if a user opens it again. One for each account and contact.
ALTER TABLE conversations ADD COLUMN imported boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX conversations_one_imported_key ON conversations (tenant_id, account_id, contact_id) WHERE imported;

-- All messages of a contact, and with a number, whatever their conversation.
CREATE INDEX messages_contact_latest_idx ON messages (tenant_id, contact_id, provider_timestamp DESC, arrival DESC, id DESC);
DROP INDEX messages_contact_idx;
-- The conversations before another of the same account and contact.
DROP INDEX conversations_contact_idx;
CREATE INDEX conversations_contact_idx ON conversations (tenant_id, contact_id, account_id, imported, created_at, id);

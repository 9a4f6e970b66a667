DROP INDEX conversations_contact_idx;
CREATE INDEX conversations_contact_idx ON conversations (tenant_id, contact_id);
CREATE INDEX messages_contact_idx ON messages (tenant_id, contact_id);
DROP INDEX messages_contact_latest_idx;
ALTER TABLE conversations DROP COLUMN imported;

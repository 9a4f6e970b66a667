DROP INDEX conversations_latest_idx, conversations_status_idx, conversations_account_idx, conversations_assignee_idx;
CREATE INDEX conversations_latest_idx ON conversations (tenant_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_status_idx ON conversations (tenant_id, status, last_message_at DESC, id DESC);
CREATE INDEX conversations_account_idx ON conversations (tenant_id, account_id, last_message_at DESC, id DESC);
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id, last_message_at DESC, id DESC)
  WHERE assignee_id IS NOT NULL;
DROP INDEX interactions_contact_idx;
CREATE INDEX interactions_contact_idx ON interactions (tenant_id, contact_id, occurred_at DESC, id DESC);
DROP INDEX messages_conversation_idx;
CREATE INDEX messages_conversation_idx ON messages (tenant_id, conversation_id, provider_timestamp DESC, id DESC);
ALTER TABLE contacts DROP COLUMN name_arrival;
ALTER TABLE conversations DROP COLUMN arrival;
ALTER TABLE identity_changes DROP COLUMN arrival;
ALTER TABLE interactions DROP COLUMN arrival;
ALTER TABLE message_updates DROP COLUMN arrival;
ALTER TABLE messages DROP COLUMN arrival;
ALTER TABLE webhook_events DROP COLUMN arrival;
DROP SEQUENCE webhook_arrivals;

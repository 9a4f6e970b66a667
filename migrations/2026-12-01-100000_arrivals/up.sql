-- The order of what happened within one second: WhatsApp's times are whole seconds.
--
-- Only additions, and no table is rewritten: servers of the previous version go on. What they store, and all that is stored, has
-- the arrival zero and keeps its order.

-- Numbers the transactions that store events. An event's arrival is the number times 4096 plus its place in the transaction.
CREATE SEQUENCE webhook_arrivals;
GRANT USAGE ON SEQUENCE webhook_arrivals TO parley_platform;
ALTER TABLE webhook_events ADD COLUMN arrival bigint NOT NULL DEFAULT 0;

ALTER TABLE messages ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
ALTER TABLE message_updates ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
ALTER TABLE interactions ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
ALTER TABLE identity_changes ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
-- Of the last message.
ALTER TABLE conversations ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
-- Of the event that gave the name.
ALTER TABLE contacts ADD COLUMN name_arrival bigint NOT NULL DEFAULT 0;

-- The same lists as before, in the full order.
DROP INDEX messages_conversation_idx;
CREATE INDEX messages_conversation_idx ON messages (tenant_id, conversation_id, provider_timestamp DESC, arrival DESC, id DESC);
DROP INDEX interactions_contact_idx;
CREATE INDEX interactions_contact_idx ON interactions (tenant_id, contact_id, occurred_at DESC, arrival DESC, id DESC);
DROP INDEX conversations_latest_idx, conversations_status_idx, conversations_account_idx, conversations_assignee_idx;
CREATE INDEX conversations_latest_idx ON conversations (tenant_id, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_status_idx ON conversations (tenant_id, status, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_account_idx ON conversations (tenant_id, account_id, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id, last_message_at DESC, arrival DESC, id DESC)
  WHERE assignee_id IS NOT NULL;

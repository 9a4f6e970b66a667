DROP INDEX conversations_latest_idx, conversations_status_idx, conversations_account_idx, conversations_assignee_idx;
CREATE INDEX conversations_latest_idx ON conversations (tenant_id, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_status_idx ON conversations (tenant_id, status, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_account_idx ON conversations (tenant_id, account_id, last_message_at DESC, arrival DESC, id DESC);
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id, last_message_at DESC, arrival DESC, id DESC)
  WHERE assignee_id IS NOT NULL;
ALTER TABLE interactions DROP COLUMN wamid, DROP COLUMN account_id;
ALTER TABLE conversations DROP COLUMN activity_at, DROP COLUMN call_arrival, DROP COLUMN call_at, DROP COLUMN reads;
ALTER TABLE message_updates DROP COLUMN is_new;
ALTER TABLE messages DROP COLUMN unread_in, DROP COLUMN activity, DROP COLUMN activity_arrival, DROP COLUMN activity_at;

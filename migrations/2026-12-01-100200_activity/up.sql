-- What needs an answer shows: missed calls, and what customers do to messages that were read.
--
-- Only additions, and no table is rewritten: servers of the previous version go on. They show messages only.

-- The latest change that makes a message news again: an edit, its revocation, or the reaction of a customer to what the business
-- wrote. `activity` is the line that shows it; null: the message's text.
ALTER TABLE messages
  ADD COLUMN activity_at timestamptz,
  ADD COLUMN activity_arrival bigint,
  ADD COLUMN activity text,
  -- The message is unread while this equals `reads` of its conversation.
  ADD COLUMN unread_in integer;
CREATE INDEX messages_activity_idx ON messages (tenant_id, conversation_id, activity_at DESC, activity_arrival DESC)
  WHERE activity_at IS NOT NULL;

-- By a customer, and not yet seen with a message that is ours.
ALTER TABLE message_updates ADD COLUMN is_new boolean NOT NULL DEFAULT false;

ALTER TABLE conversations
  -- How often it was marked as read.
  ADD COLUMN reads integer NOT NULL DEFAULT 0,
  -- The last missed call.
  ADD COLUMN call_at timestamptz,
  ADD COLUMN call_arrival bigint,
  -- The time of what the list shows; null in rows of the previous version: that of the last message.
  ADD COLUMN activity_at timestamptz;

-- The message that an entry of the history is about, which may be stored later.
ALTER TABLE interactions
  ADD COLUMN account_id uuid,
  ADD COLUMN wamid text;

-- The same lists as before, by the last activity. The previous version updates last_message_at only.
DROP INDEX conversations_latest_idx, conversations_status_idx, conversations_account_idx, conversations_assignee_idx;
CREATE INDEX conversations_latest_idx ON conversations
  (tenant_id, greatest(last_message_at, activity_at) DESC, arrival DESC, id DESC);
CREATE INDEX conversations_status_idx ON conversations
  (tenant_id, status, greatest(last_message_at, activity_at) DESC, arrival DESC, id DESC);
CREATE INDEX conversations_account_idx ON conversations
  (tenant_id, account_id, greatest(last_message_at, activity_at) DESC, arrival DESC, id DESC);
CREATE INDEX conversations_assignee_idx ON conversations
  (tenant_id, assignee_id, greatest(last_message_at, activity_at) DESC, arrival DESC, id DESC) WHERE assignee_id IS NOT NULL;

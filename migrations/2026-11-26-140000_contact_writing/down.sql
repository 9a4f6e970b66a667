DROP INDEX conversations_assignee_idx, conversations_account_idx, conversations_status_idx;
CREATE INDEX conversations_assignee_idx ON conversations (tenant_id, assignee_id) WHERE assignee_id IS NOT NULL;
DROP FUNCTION app.identity_hash(uuid, text, text, text);
DROP TABLE erased_identities;

-- The structure of what messages say, as a JSON array of {label, value, kind}. Null for messages of earlier versions, also of those
-- that still run during the upgrade: their texts and parts are derived again in the background, in the order of this index.
ALTER TABLE messages ADD COLUMN parts text;
CREATE INDEX messages_without_parts_idx ON messages (tenant_id, id) WHERE parts IS NULL;

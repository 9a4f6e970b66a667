DROP FUNCTION app.number_is_active(text, text);
DROP INDEX interactions_source_key;
ALTER TABLE interactions DROP COLUMN source;
DROP TABLE message_updates;
-- The previous schema has no messages in groups.
DELETE FROM interactions i USING messages m
 WHERE m.tenant_id = i.tenant_id AND m.id = i.message_id AND m.conversation_id IS NULL;
DELETE FROM messages WHERE conversation_id IS NULL;
ALTER TABLE messages DROP COLUMN group_id, DROP COLUMN forwarded, DROP COLUMN origin, ALTER COLUMN conversation_id SET NOT NULL;
ALTER TABLE conversations DROP COLUMN read_only;
DROP TABLE contact_merges, identity_change_keys, identity_changes;
DELETE FROM contact_identities WHERE NOT resolves;
DROP INDEX contact_identities_owner_key;
ALTER TABLE contact_identities
  DROP CONSTRAINT contact_identities_pkey,
  ADD PRIMARY KEY (tenant_id, kind, scope, value),
  DROP COLUMN superseded_at,
  DROP COLUMN affirmed_at,
  DROP COLUMN since,
  DROP COLUMN resolves;
ALTER TABLE contacts DROP COLUMN marketing_consent_at, DROP COLUMN name_at, DROP COLUMN name_source;
DROP FUNCTION app.preview(text);

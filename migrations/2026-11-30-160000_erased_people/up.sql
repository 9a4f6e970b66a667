-- What was erased stays erased.

-- The id of the key-encryption key that the HMAC's key is derived from. Null for rows of earlier versions, whose hash is a plain
-- SHA-256: the scheduler replaces it by its HMAC, so that nothing is lost and no identity has to be known.
ALTER TABLE erased_identities ADD COLUMN key_id text;
CREATE INDEX erased_identities_unkeyed_idx ON erased_identities (erased_at) WHERE key_id IS NULL;
CREATE INDEX erased_identities_erased_idx ON erased_identities (erased_at);
SELECT app.open_to_platform('erased_identities', 'SELECT, INSERT, UPDATE, DELETE');

-- Whom an update names: set while its message is not stored, and for a participant of a group.
ALTER TABLE message_updates ADD COLUMN phone text, ADD COLUMN bsuid text;
UPDATE message_updates
   SET phone = substring(payload FROM '"(?:recipient_id|to)"\s*:\s*"([0-9]+)"'),
       bsuid = substring(payload FROM '"(?:recipient_user_id|to_user_id)"\s*:\s*"([^"]+)"')
 WHERE parked AND payload IS NOT NULL;
UPDATE message_updates SET bsuid = substring(key FROM ':(.+)$'), phone = substring(key FROM ':(.+)$')
 WHERE kind = 'status' AND key LIKE '%:_%';
CREATE INDEX message_updates_phone_idx ON message_updates (tenant_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX message_updates_bsuid_idx ON message_updates (tenant_id, bsuid) WHERE bsuid IS NOT NULL;

-- Payloads, and failed attempts at events, that name a deleted contact.
GRANT DELETE ON webhook_payloads, webhook_attempts TO parley_app;

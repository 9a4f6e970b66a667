DROP TABLE sending_pauses;
DROP TABLE sender_leases;
DROP TABLE send_attempts;
DROP TABLE sends;
REVOKE USAGE ON SEQUENCE webhook_arrivals FROM parley_app;
DELETE FROM messages WHERE wamid IS NULL OR origin = 'api';
ALTER TABLE messages DROP CONSTRAINT messages_origin_check;
ALTER TABLE messages ADD CONSTRAINT messages_origin_check CHECK (origin IN ('live', 'native_app', 'history', 'standby'));
ALTER TABLE messages ALTER COLUMN wamid SET NOT NULL;

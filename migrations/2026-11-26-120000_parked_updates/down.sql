ALTER TABLE message_updates DROP COLUMN parked;

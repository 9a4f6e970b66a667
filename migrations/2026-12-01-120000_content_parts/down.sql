-- Texts that were derived again stay as they are.
ALTER TABLE messages DROP COLUMN parts;

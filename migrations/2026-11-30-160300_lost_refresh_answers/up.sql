-- A client that lost the response to a refresh gets the same next token again for some seconds. HMAC of the address and the user
-- agent that the token was used from; null for uses by earlier versions, which have no such time.
ALTER TABLE refresh_tokens ADD COLUMN used_by bytea;

DROP TABLE signing_keys;
DROP FUNCTION app.access(uuid, uuid, timestamptz);
DROP TABLE refresh_tokens, sessions;

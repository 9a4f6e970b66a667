DROP FUNCTION app.purge_sessions(timestamptz, bigint);
DROP INDEX sessions_ended_idx;
CREATE INDEX sessions_user_idx ON sessions (tenant_id, user_id);
DROP INDEX sessions_newest_idx;
ALTER TABLE sessions DROP COLUMN unconfirmed;
DROP TABLE refresh_overlaps;
ALTER TABLE refresh_tokens DROP COLUMN answered_at;

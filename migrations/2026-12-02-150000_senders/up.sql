-- The senders that run: they share the numbers.
CREATE TABLE senders (
  holder  uuid PRIMARY KEY,
  -- It has reported itself until shortly before then.
  ends_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON senders TO parley_platform;

-- The senders that run: they share the numbers.
CREATE TABLE senders (
  holder  uuid PRIMARY KEY,
  -- It has reported itself until shortly before then.
  ends_at timestamptz NOT NULL
);
SELECT app.open_to_platform('senders', 'SELECT, INSERT, UPDATE, DELETE');

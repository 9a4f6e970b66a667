-- Counters of login attempts for the rate limits, shared by all instances. Neither accounts nor addresses can be read from it:
-- a key is an HMAC under a secret that is not in the database.
CREATE TABLE login_tallies (
  key           bytea PRIMARY KEY CHECK (length(key) = 32),
  -- Times of failed attempts, oldest first.
  failures      timestamptz[] NOT NULL DEFAULT '{}',
  -- Start times of attempts that have not ended yet.
  pending       timestamptz[] NOT NULL DEFAULT '{}',
  -- Number of consecutive blocks, and the end of the current one.
  blocks        integer NOT NULL DEFAULT 0 CHECK (blocks >= 0),
  blocked_until timestamptz,
  -- From then on the row has no effect and can be deleted.
  expires_at    timestamptz NOT NULL
);
CREATE INDEX login_tallies_expires_idx ON login_tallies (expires_at);
SELECT app.open_to_platform('login_tallies', 'SELECT, INSERT, UPDATE, DELETE');
CREATE POLICY owner_maintenance ON login_tallies FOR ALL TO parley_owner USING (true) WITH CHECK (true);

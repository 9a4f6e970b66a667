-- How often somebody tried to get in, for all instances. Neither an account nor an address can be read from it: a key is an
-- HMAC under a secret that the database does not have.
CREATE TABLE login_tallies (
  key           bytea PRIMARY KEY CHECK (length(key) = 32),
  -- When tries failed, oldest first.
  failures      timestamptz[] NOT NULL DEFAULT '{}',
  -- When tries began whose end is not known yet.
  pending       timestamptz[] NOT NULL DEFAULT '{}',
  -- How many times in a row it was blocked, and until when it is.
  blocks        integer NOT NULL DEFAULT 0 CHECK (blocks >= 0),
  blocked_until timestamptz,
  -- From then on it says nothing any more.
  expires_at    timestamptz NOT NULL
);
CREATE INDEX login_tallies_expires_idx ON login_tallies (expires_at);
SELECT app.open_to_platform('login_tallies', 'SELECT, INSERT, UPDATE, DELETE');
CREATE POLICY owner_maintenance ON login_tallies FOR ALL TO parley_owner USING (true) WITH CHECK (true);

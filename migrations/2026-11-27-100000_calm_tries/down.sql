CREATE INDEX login_tallies_expires_idx ON login_tallies (expires_at);
ALTER TABLE login_tallies RESET (fillfactor);
ALTER TABLE login_tallies SET LOGGED;

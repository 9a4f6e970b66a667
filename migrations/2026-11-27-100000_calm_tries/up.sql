-- Every login writes its tallies twice. They need not outlive a crash of the server: what is lost are the tries of the last
-- quarter of an hour, which whoever guesses may then repeat. So nothing of them is logged, and no login waits for the disk.
ALTER TABLE login_tallies SET UNLOGGED;
-- An update that changes no index, on a page that has room, leaves the indexes alone. Few are purged at a time, without one.
ALTER TABLE login_tallies SET (fillfactor = 50);
DROP INDEX login_tallies_expires_idx;

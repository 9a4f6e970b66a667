-- Each login writes its counters twice. They need not survive a crash of the server: the attempts of the last 15 minutes would
-- be lost, and could be repeated. Without WAL, no login waits for the disk.
ALTER TABLE login_tallies SET UNLOGGED;
-- Free space in the pages and no index on expires_at allow heap-only updates. Purging reads few rows and needs no index.
ALTER TABLE login_tallies SET (fillfactor = 50);
DROP INDEX login_tallies_expires_idx;

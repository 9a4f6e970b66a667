-- Counters of failed attempts survive a crash of the server: a crash must not give an attacker new attempts. The
-- statements that write them do not wait for the disk, so a crash loses those of the last second at most.
ALTER TABLE login_tallies SET LOGGED;

DROP INDEX sending_pauses_ended_idx;
DROP INDEX sends_passing_idx;

REVOKE SELECT (dismissed_at) ON sends FROM parley_platform;
REVOKE SELECT (reason, advice) ON sending_pauses FROM parley_platform;
DROP INDEX sending_pauses_ended_idx;
DROP INDEX sends_passing_idx;

-- What the scheduler deletes: sends that are no messages of their own, and pauses that are over.
CREATE INDEX sends_passing_idx ON sends (created_at) WHERE kind <> 'message';
CREATE INDEX sending_pauses_ended_idx ON sending_pauses (until) WHERE until IS NOT NULL;
-- Operators see why a number of any tenant is paused, not which customer or template a pause is about.
GRANT SELECT (reason, advice) ON sending_pauses TO parley_platform;
-- Unclear sends that a person has decided about are not counted.
GRANT SELECT (dismissed_at) ON sends TO parley_platform;

-- Failed attempts to process an event. Deleted together with the event.
CREATE TABLE webhook_attempts (
  event_id    uuid NOT NULL,
  tenant_id   uuid NOT NULL,
  -- Number of replays of the event before this attempt.
  replay_seq  integer NOT NULL,
  attempt     integer NOT NULL,
  failed_at   timestamptz NOT NULL,
  error_class text NOT NULL,
  error       text NOT NULL,
  PRIMARY KEY (event_id, replay_seq, attempt)
);
SELECT app.protect_tenant_table('webhook_attempts', 'SELECT, INSERT');
SELECT app.open_to_platform('webhook_attempts', 'SELECT, INSERT, DELETE');

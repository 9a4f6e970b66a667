-- Each try of an event that failed, for the people who look after what failed. It goes with its event.
CREATE TABLE webhook_attempts (
  event_id    uuid NOT NULL,
  tenant_id   uuid NOT NULL,
  -- How often the event had been replayed before.
  replay_seq  integer NOT NULL,
  attempt     integer NOT NULL,
  failed_at   timestamptz NOT NULL,
  error_class text NOT NULL,
  error       text NOT NULL,
  PRIMARY KEY (event_id, replay_seq, attempt)
);
SELECT app.protect_tenant_table('webhook_attempts', 'SELECT, INSERT');
SELECT app.open_to_platform('webhook_attempts', 'SELECT, INSERT, DELETE');

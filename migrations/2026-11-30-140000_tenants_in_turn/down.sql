DROP INDEX webhook_events_unroutable_waba_idx;
CREATE INDEX webhook_outbox_due_idx ON webhook_outbox (not_before);
DROP INDEX webhook_outbox_turn_idx;

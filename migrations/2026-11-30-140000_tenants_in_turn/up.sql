-- The relay serves tenants in turn: it looks for each tenant's due events, and counts those that are published and unfinished.
-- The expression is 0 for an event that is to be published, and 1 for one that was.
CREATE INDEX webhook_outbox_turn_idx ON webhook_outbox (tenant_id, least(publish_count, 1), not_before);
DROP INDEX webhook_outbox_due_idx;

-- Finds the changes of a business account that no tenant had, without reading those of others.
CREATE INDEX webhook_events_unroutable_waba_idx ON webhook_events (app_id, waba_id)
  WHERE status = 'unroutable' AND phone_number_id IS NULL;

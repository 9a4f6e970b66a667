-- For counting and resuming held events without reading all events.
CREATE INDEX webhook_events_held_idx ON webhook_events (tenant_id, received_at) WHERE status = 'held';
-- For counting unroutable events and finding the oldest.
CREATE INDEX webhook_events_unroutable_received_idx ON webhook_events (received_at) WHERE status = 'unroutable';
